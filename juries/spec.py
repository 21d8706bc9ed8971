"""The study a user writes, as validated sections. `juries schema` publishes its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graphs.deliberation.spec import Deliberation
from graphs.items import Pairwise, Scale
from graphs.ledger.places import LedgerSettings, PostgresUrl
from graphs.llm.settings import LlmSettings
from graphs.minds.opening import MindSettings
from graphs.minds.psychometric import PsychometricSettings
from graphs.sources import ItemsSource
from juries.design import DesignSpec
from juries.measures.welfare_functions import parse_welfares
from juries.spec_measures import (
    BaselinesSpec,
    DistributionSpec,
    InjectionSpec,
    ObjectivesSpec,
    OvertonSpec,
    SteeringSpec,
    TradeOffSpec,
)
from juries.subjects.spec import SubjectSpec
from personas.derivation import Derivation
from personas.importers import PersonaColumns
from personas.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class MarginSpec(Settings):
    """Published shares to which the population is weighted.

    Attributes:
        margin: name of a shipped margin, or path of a CSV file (attributes and `share`).
        columns: attribute of the population to column of the margin, where the names differ.
    """

    margin: str
    columns: dict[str, str] = Field(default_factory=dict)


class RakeSpec(Settings):
    """Rake the population's weights to margins.

    Attributes:
        margins: names, paths, or sections with `margin` and `columns`.
        bounds: smallest and largest ratio of a raked weight to its base weight.
        missing: personas that lack an attribute of a margin: `keep` them at their present
            share, `exclude` them, or `refuse` to go on.
        empty: a level of a margin that no persona has: `refuse` to go on, or `drop` it and say so.
    """

    margins: tuple[str | MarginSpec, ...] = Field(min_length=1)
    bounds: tuple[Positive, Positive] | None = (0.1, 10.0)
    missing: Literal["keep", "exclude", "refuse"] = "keep"
    empty: Literal["refuse", "drop"] = "refuse"

    def located(self, base: Path) -> RakeSpec:
        """The same margins, files by absolute path."""
        from personas.margins import shipped_margins

        def at(name: str) -> str:
            return name if name in shipped_margins() else str((base / name).resolve())

        margins = tuple(
            at(margin)
            if isinstance(margin, str)
            else margin.model_copy(update={"margin": at(margin.margin)})
            for margin in self.margins
        )
        return self.model_copy(update={"margins": margins})


class PopulationSpec(Settings):
    """Where personas come from, and whom they stand for.

    Attributes:
        path: a file of personas, relative to the study file.
        format: an importer's name; without it, told by the file.
        columns: for tables: which column holds what.
        derive: new attributes by declaration (bands of a number, recoded levels).
        rake: weight the personas to margins; without it they weigh as their source says.
    """

    path: Annotated[str, Field(min_length=1)]
    format: str | None = None
    columns: PersonaColumns | None = None
    derive: dict[str, Derivation] = Field(default_factory=dict)
    rake: RakeSpec | None = None


class JurySpec(Settings):
    """How seats are filled from the population.

    Attributes:
        seats: how many jurors sit; without it the whole population does.
        sampling: `simple`, `stratified` (by `by`), `quota` or `leximin` (within `quotas`).
        by: attributes whose crossing makes the strata.
        quotas: lowest and highest number of seats per level of an attribute.
        portrait: the template that tells a language model who it is.
    """

    seats: Count | None = None
    sampling: Literal["simple", "stratified", "quota", "leximin"] = "simple"
    by: tuple[str, ...] = ()
    quotas: dict[str, dict[str, tuple[int, int]]] = Field(default_factory=dict)
    portrait: Literal["list", "prose", "interview"] = "list"

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> Self:
        if self.sampling == "stratified" and not self.by:
            raise ValueError("stratified sampling needs `by`: the attributes that make the strata")
        if self.sampling in ("quota", "leximin") and not self.quotas:
            raise ValueError(f"{self.sampling} sampling needs `quotas`")
        if self.sampling != "simple" and self.seats is None:
            raise ValueError(f"{self.sampling} sampling needs `seats`: how many to draw")
        return self


class ScoresSpec(Settings):
    """What is concluded from the ratings; may change after a run without asking again.

    Attributes:
        welfare: welfare functions, reported side by side; the first orders the tables.
        groups: attributes whose levels get scores of their own.
        resamples: bootstrap resamples.
        level: nominal coverage of intervals.
        overton: how views are found and when one is represented.
        steering: which models were steered, and towards what.
        distribution: whose answers are compared with whose.
        objectives: criteria or groups.
        trade_off: functions of the objectives.
    """

    welfare: tuple[str, ...] = (
        "power:1",
        "power:0",
        "power:-1",
        "power:-inf",
        "quantile:0.1",
        "cvar:0.2",
        "inequality:0.5",
    )
    groups: tuple[str, ...] = ()
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    overton: OvertonSpec = Field(default_factory=OvertonSpec)
    steering: SteeringSpec = Field(default_factory=SteeringSpec)
    distribution: DistributionSpec = Field(default_factory=DistributionSpec)
    objectives: ObjectivesSpec = Field(default_factory=ObjectivesSpec)
    trade_off: TradeOffSpec = Field(default_factory=TradeOffSpec)

    @model_validator(mode="after")
    def _functions_are_known(self) -> Self:
        parse_welfares(self.welfare)
        return self


class ShareSpec(Settings):
    """A mind that answers for a share of the seats.

    Attributes:
        mind: its settings.
        share: of the seats, relative to the other minds'.
        name: in tables; without it, the model's or the simulator's.
    """

    mind: MindSettings
    share: Positive = 1.0
    name: str | None = None

    @property
    def shown(self) -> str:
        """The name in tables."""
        default = self.mind.model if isinstance(self.mind, LlmSettings) else self.mind.kind
        return self.name or default


class Study(Settings):
    """A jury study: what is judged, by whom, on which scale, by which mind.

    Attributes:
        name: shown on every page and table.
        seed: of all randomness; the same study and seed give the same embedded result.
        items: the file of prompts and responses.
        subjects: models that are asked for their responses, beside those of the file.
        scale: what is asked about each response, or about each pair of responses.
        population: the personas that may sit.
        jury: how seats are filled.
        mind: what answers for the jurors.
        minds: several minds, each for a share of the seats, in place of one: jurors that one
            model answers for make the same mistakes.
        replicates: how often each question is put to each juror.
        design: which jurors are asked about which items; without it everybody about everything.
        deliberation: how jurors talk before the ballot that counts; without it they do not.
        baselines: what the jury is compared with.
        injection: whether responses can talk to the jury.
        ledger: a PostgreSQL database to keep the answers in, by URL or as a section, in place of a
            SQLite file in the run's folder: several processes may write there at once.
        scores: what is concluded.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    items: ItemsSource
    subjects: tuple[SubjectSpec, ...] = ()
    scale: Scale
    population: PopulationSpec
    jury: JurySpec = Field(default_factory=JurySpec)
    mind: MindSettings = Field(default_factory=PsychometricSettings)
    minds: tuple[ShareSpec, ...] = ()
    replicates: Count = 1
    design: DesignSpec | None = None
    deliberation: Deliberation | None = None
    baselines: BaselinesSpec = Field(default_factory=BaselinesSpec)
    injection: InjectionSpec = Field(default_factory=InjectionSpec)
    ledger: LedgerSettings | PostgresUrl | None = None
    scores: ScoresSpec = Field(default_factory=ScoresSpec)

    @model_validator(mode="after")
    def _one_way_to_name_minds(self) -> Self:
        if self.minds and self.mind != PsychometricSettings():
            raise ValueError("give mind or minds, not both")
        names = [each.shown for each in self.minds]
        if len(set(names)) < len(names):
            raise ValueError("minds repeat a name; give each a name of its own")
        return self

    @model_validator(mode="after")
    def _jurors_who_talk_hear_everything(self) -> Self:
        if self.design is not None and self.deliberation is not None:
            raise ValueError(
                "a sparse design does not go with deliberation: jurors who talk about an item are "
                "all asked about it; remove `design` or `deliberation`"
            )
        return self

    @model_validator(mode="after")
    def _subjects_fit(self) -> Self:
        shown = [each.shown for each in self.subjects]
        names = [*self.live_models, *(each.shown for each in self.subjects if not each.samples)]
        repeated = [name for name in names if names.count(name) > 1]
        if repeated or len(set(shown)) < len(shown):
            raise ValueError(f"subjects repeat a name ({', '.join(sorted({*repeated}))})")
        if self.scores.distribution.survey is None:
            for each in self.subjects:
                if each.survey is not None:
                    raise ValueError(
                        f"subject {each.shown!r}: `survey` needs `scores.distribution.survey`"
                    )
        return self

    @model_validator(mode="after")
    def _pairs_are_rated_in_private(self) -> Self:
        if not isinstance(self.scale, Pairwise):
            return self
        if self.deliberation is not None:
            raise ValueError(
                "scale: pairs of responses give no rating of either, so there is nothing to "
                "deliberate on; use likert, choice or rubric, on which responses are judged alone"
            )
        if self.injection.share > 0:
            raise ValueError(
                "injection: the probe changes every response alike, which comparisons cannot show; "
                "use likert, choice or rubric, or leave `injection` out"
            )
        return self

    @property
    def live_models(self) -> tuple[str, ...]:
        """Names of the responses that subjects are asked for, in order."""
        return tuple(name for each in self.subjects for name in each.models)

    @property
    def seated_minds(self) -> tuple[ShareSpec, ...]:
        """Every mind with its share of the seats, in the order of `Rating.mind`."""
        return self.minds or (ShareSpec(mind=self.mind),)

    def with_minds(self, change: Callable[[MindSettings], MindSettings]) -> Study:
        """The same study with every mind's settings changed."""
        if not self.minds:
            return self.model_copy(update={"mind": change(self.mind)})
        changed = [each.model_copy(update={"mind": change(each.mind)}) for each in self.minds]
        return self.model_copy(update={"minds": tuple(changed)})

    def located(self, base: Path) -> Study:
        """The same study with absolute paths, so that it runs from any folder."""
        items = self.items.model_copy(update={"path": str((base / self.items.path).resolve())})
        people = self.population
        rake = None if people.rake is None else people.rake.located(base)
        path = str((base / people.path).resolve())
        people = people.model_copy(update={"path": path, "rake": rake})
        distribution = self.scores.distribution.located(base)
        scores = self.scores.model_copy(update={"distribution": distribution})
        talk = None if self.deliberation is None else self.deliberation.located(base)
        study = self.model_copy(
            update={"items": items, "population": people, "deliberation": talk, "scores": scores}
        )
        return study.with_minds(
            lambda mind: mind.located(base) if isinstance(mind, LlmSettings) else mind
        )
