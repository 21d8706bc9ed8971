"""`export(run, to, path)`: a run's verdicts in the form that a tool takes.

Every export has a `.provenance.json` beside it (folders: inside), and appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphs.items import Item
from juries.exports.datasets_folder import write_dataset
from juries.exports.evaluation import inspect_rows, write_promptfoo
from juries.exports.soft_labels import distribution_rows, lewidi
from juries.exports.trl import dpo_rows, full_rows, kto_rows, reward_rows
from juries.measures.welfare_functions import DEFAULT_FAMILY, WelfareFunction
from juries.targets.distributions import TargetDistributions, jury_distributions
from juries.targets.evidence import Evidence, answered_share, calibration_of, evidence
from juries.targets.pairs import PairSettings
from juries.targets.preferences import PreferenceSet, preference_pairs
from juries.targets.provenance import Provenance, origin
from personas.errors import InputError, nearest
from personas.files import replacing, write_rows

if TYPE_CHECKING:
    from juries.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What to export.

    Attributes:
        pairs: how preference pairs are made and filtered.
        by: attribute; preferences of each of its levels go to a file of their own.
        groups: attributes whose levels get target distributions.
        smoothing: of target distributions.
        model: for Inspect: whose responses.
        functions: for evaluation tools: welfare functions, the first one decides.
        threshold: for promptfoo: welfare from which a response passes.
    """

    pairs: PairSettings = field(default_factory=PairSettings)
    by: str | None = None
    groups: tuple[str, ...] = ()
    smoothing: float = 0.5
    model: str | None = None
    functions: tuple[WelfareFunction, ...] = DEFAULT_FAMILY
    threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        files: paths with the number of rows in each.
        provenance: where the content comes from.
    """

    files: Mapping[Path, int]
    provenance: Provenance


def export(run: Run, to: str, path: Path, settings: ExportSettings | None = None) -> Exported:
    """Write a run's verdicts in one of `FORMS`.

    Args:
        run: with a majority of valid answers.
        to: a name of `FORMS`.
        path: of the file, or of the folder for `hf` and `promptfoo`.
        settings: what to export; the defaults are the whole jury's mean preferences.

    Raises:
        InputError: an unknown form, a path of the wrong kind, or a run that cannot be exported so.
    """
    if to not in FORMS:
        raise InputError(
            f"unknown form {to!r}",
            expected="one of " + ", ".join(FORMS),
            hint=nearest(to, FORMS),
        )
    path = Path(path)
    form = FORMS[to]
    if path.exists() and path.is_dir() != form.folder:
        raise InputError(
            "this is a file" if form.folder else "this is a folder",
            where=path,
            expected="a folder" if form.folder else "a file to write",
        )
    if not path.parent.is_dir():
        raise InputError("there is no such folder", where=path.parent)
    written = form.write(run, path, settings or ExportSettings())
    beside = path / "dataset" if form.folder else path
    written.provenance.write_beside(beside)
    return written


Rows = Callable[[PreferenceSet, Sequence[Item]], Iterable[dict[str, object]]]


def _preferences(rows: Rows) -> Callable[[Run, Path, ExportSettings], Exported]:
    """A writer of one file per preference set."""

    def write(run: Run, path: Path, settings: ExportSettings) -> Exported:
        known = evidence(run)
        sets = preference_pairs(known, settings.pairs, by=settings.by)
        _require_pairs(sets)
        files: dict[Path, int] = {}
        for each in sets:
            table = list(rows(each, known.items))
            target = path if len(sets) == 1 else _of_group(path, each.group)
            write_rows(target, table)
            files[target] = len(table)
        return Exported(files=files, provenance=sets[0].provenance)

    return write


def _of_group(path: Path, group: str) -> Path:
    """`pairs.jsonl` for `outlook=decisive` is `pairs.outlook-decisive.jsonl`."""
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in group)
    return path.with_name(f"{path.stem}.{safe}{path.suffix}")


def _require_pairs(sets: tuple[PreferenceSet, ...]) -> None:
    if any(each.pairs for each in sets):
        return
    dropped = {reason: n for each in sets for reason, n in each.dropped.items() if n}
    raise InputError(
        "no pair is left to export",
        found=", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "no comparison",
        hint="Loosen the filters, or choose another welfare function.",
    )


def _hf(run: Run, path: Path, settings: ExportSettings) -> Exported:
    known = evidence(run)
    sets = preference_pairs(known, settings.pairs, by=settings.by)
    counts = write_dataset(path, run, sets, known.items)
    files = {path / "data" / f"{name}.parquet": count for name, count in counts.items()}
    return Exported(files=files, provenance=sets[0].provenance)


def _ratings(run: Run, path: Path, settings: ExportSettings) -> Exported:
    del settings  # every rating as it was recorded
    answered = answered_share(run.gather().verdicts)
    known = origin(run.record, answered=answered, calibration=calibration_of(run))
    frame = run.ratings
    if path.suffix.lower() != ".parquet":
        write_rows(path, frame.to_dicts())
    else:
        with replacing(path, binary=True) as file:
            frame.write_parquet(file)
    return Exported(files={path: len(frame)}, provenance=known.of("ratings"))


def _distributions(run: Run, path: Path, settings: ExportSettings) -> Exported:
    targets = _targets(run, settings)
    write_rows(path, list(distribution_rows(targets)))
    return Exported(files={path: len(targets.distributions)}, provenance=targets.provenance)


def _lewidi(run: Run, path: Path, settings: ExportSettings) -> Exported:
    targets = _targets(run, settings)
    texts = {
        (item.id, response.model): (item.prompt, response.text)
        for item in run.directory.read_items()
        for response in item.responses
    }
    with replacing(path) as file:
        json.dump(lewidi(targets, texts), file, ensure_ascii=False, indent=1)
    return Exported(files={path: len(targets.distributions)}, provenance=targets.provenance)


def _targets(run: Run, settings: ExportSettings) -> TargetDistributions:
    return jury_distributions(run, groups=settings.groups, smoothing=settings.smoothing)


def _inspect(run: Run, path: Path, settings: ExportSettings) -> Exported:
    known = evidence(run)
    model = settings.model or (known.models[0] if len(known.models) == 1 else None)
    if model is None or model not in known.models:
        raise InputError(
            "name the model whose responses Inspect scores"
            if model is None
            else f"no model {model!r}",
            expected="one of " + ", ".join(known.models),
            hint=None if model is None else nearest(model, known.models),
        )
    rows = list(inspect_rows(known, model, settings.functions))
    write_rows(path, rows)
    return Exported(files={path: len(rows)}, provenance=_scored(known, settings))


def _promptfoo(run: Run, path: Path, settings: ExportSettings) -> Exported:
    known = evidence(run)
    tests = write_promptfoo(path, known, settings.functions, threshold=settings.threshold)
    return Exported(
        files={path / "promptfooconfig.yaml": tests}, provenance=_scored(known, settings)
    )


def _scored(known: Evidence, settings: ExportSettings) -> Provenance:
    return known.origin.of("verdicts", welfare=settings.functions[0].name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of export.

    Attributes:
        about: what it is, for help texts.
        write: writes it.
        folder: whether it is a folder.
        suffix: of the file where the user names none.
    """

    about: str
    write: Callable[[Run, Path, ExportSettings], Exported]
    folder: bool = False
    suffix: str = ".jsonl"


FORMS: Mapping[str, Form] = {
    "trl-dpo": Form(about="TRL preference pairs", write=_preferences(dpo_rows)),
    "trl-reward": Form(about="TRL pairs with a margin", write=_preferences(reward_rows)),
    "trl-kto": Form(about="TRL unpaired preferences", write=_preferences(kto_rows)),
    "preferences": Form(
        about="pairs with margin, agreement and confidence", write=_preferences(full_rows)
    ),
    "hf": Form(about="a folder for Hugging Face datasets", write=_hf, folder=True),
    "parquet": Form(about="every rating", write=_ratings, suffix=".parquet"),
    "csv": Form(about="every rating", write=_ratings, suffix=".csv"),
    "distributions": Form(about="target distributions", write=_distributions),
    "lewidi": Form(about="target distributions as soft labels", write=_lewidi, suffix=".json"),
    "inspect": Form(about="precomputed scores for Inspect", write=_inspect),
    "promptfoo": Form(about="a promptfoo evaluation", write=_promptfoo, folder=True),
}
"""Every form, by the name that `juries export --to` takes."""
