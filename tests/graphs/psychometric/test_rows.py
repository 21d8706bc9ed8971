"""What every answer of the embedded mind satisfies."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.items import Choice, Likert
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.features import FEATURES
from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.standing import contributions, see
from graphs.minds.psychometric.traits import panel_traits
from graphs.records import Status, unpack


@given(
    declared=st.builds(
        PsychometricSettings,
        discrimination=st.floats(0.05, 10),
        severity_mean=st.floats(-10, 10),
        severity_sd=st.floats(0, 5),
        replicate_sd=st.floats(0, 5),
        threshold_span=st.floats(0.01, 10),
        planted=st.tuples(
            st.builds(Planted, where=st.just({"side": "left"}), shift=st.floats(-10, 10))
        ),
    ),
    points=st.integers(2, 9),
    better=st.sampled_from(["high", "low"]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_a_distribution_with_its_mean_and_a_possible_draw(
    declared: PsychometricSettings,
    points: int,
    better: Literal["high", "low"],
    seed: int,
    ask: Any,
    jurors: Any,
) -> None:
    mind = PsychometricMind(declared, position=3)
    scale = Likert(question="?", points=tuple(map(str, range(points))), better=better)
    rows = ask(mind, jurors(5), scale=scale, replicates=2, seed=seed)
    assert len(rows) == 5 * 3 * 2
    assert len({row.cell for row in rows}) == len(rows)
    for row in rows:
        assert (row.status, row.mind, row.label_mass) == (Status.OK, 3, 1.0)
        assert row.probabilities is not None
        assert row.rating is not None
        assert row.reason
        assert "\n" not in row.reason
        probabilities = unpack(row.probabilities).astype(float)
        assert probabilities.shape == (points,)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert row.expected == pytest.approx(probabilities @ np.arange(1, points + 1), abs=1e-5)
        assert 1 <= row.rating <= points


def test_choice_rows_are_distributions_and_worthier_options_go_to_better_responses(
    ask: Any, jurors: Any
) -> None:
    scale = Choice(question="Is it acceptable?", options=("yes", "unsure", "no"), worth=(1, 0.5, 0))
    rows = ask(PsychometricMind(), jurors(40), items=10, scale=scale)
    for row in rows[:50]:
        assert row.probabilities is not None
        probabilities = unpack(row.probabilities).astype(float)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert row.expected == pytest.approx(probabilities @ [1, 2, 3], abs=1e-5)
    yes = [np.mean([row.rating == 1 for row in rows if row.response == r]) for r in range(3)]
    assert yes[0] > yes[2] + 0.2  # plural over evasive


def test_a_planted_option_shift_moves_that_option_by_its_logits(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    scale = Choice(question="Which word fits?", options=("apt", "odd"))
    quiet = PsychometricSettings(**quiet, option_sd=0.0, value_weight=0.0)
    shifted = quiet.model_copy(
        update={"planted": (Planted(where={"side": "left"}, option="odd", shift=1.5),)}
    )
    rows = ask(PsychometricMind(shifted), jurors(4), scale=scale)
    for row in rows:
        assert row.probabilities is not None
        odd = 1 / (1 + math.exp(-1.5)) if row.juror % 2 else 0.5
        assert unpack(row.probabilities)[1] == pytest.approx(odd, abs=1e-6)
        assert row.reason is not None
        assert ("planted: side=left" in row.reason) == bool(row.juror % 2)


def test_where_the_low_end_is_better_the_scale_is_mirrored(ask: Any, jurors: Any) -> None:
    low = Likert(question="How bad is it?", points=("1", "2", "3", "4", "5"), better="low")
    high = {r.cell: r for r in ask(PsychometricMind(), jurors(6))}
    for row in ask(PsychometricMind(), jurors(6), scale=low):
        twin = high[row.cell]
        assert row.expected == pytest.approx(6 - twin.expected, abs=1e-9)
        assert row.reason == twin.reason


def test_terms_of_a_standing_sum_to_what_the_docstring_says(jurors: Any, an_item: Any) -> None:
    declared = PsychometricSettings(
        planted=(Planted(where={"side": "left"}, models=("plural",), shift=0.7),)
    )
    panel = jurors(4)
    traits = panel_traits(panel, declared, 3)
    item = an_item()
    sight = see(item, traits, declared, 3)
    terms = contributions(sight, "overall", declared, np.array([0.1, 0.2, 0.3]))
    weights = declared.quality_weights("overall")
    for r in range(3):
        for j, juror in enumerate(panel):
            quality = sum(weights[f] * sight.quality[r, k] for k, f in enumerate(FEATURES))
            values = 0.8 * sum(
                traits.priorities[j, v] * sight.values[r, v] for v in range(len(VALUES))
            )
            planted = 0.7 if r == 0 and juror.persona.attributes["side"] == "left" else 0.0
            residual = 0.1 * (r + 1)
            theta = quality + values - traits.severity[j] + sight.taste[r, j] + residual + planted
            assert terms[r, j].sum() == pytest.approx(theta, abs=1e-12)


def test_a_choice_names_what_moved_the_standing_with_its_own_sign(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    scale = Choice(question="Acceptable?", options=("no", "yes"), worth=(0, 1))
    declared = PsychometricSettings(**quiet, option_sd=0.0, value_weight=0.0, choice_slope=0.5)
    rows = ask(PsychometricMind(declared), jurors(40), scale=scale)
    evasive = [row for row in rows if row.response == 2]
    assert {row.rating for row in evasive} == {1, 2}
    assert {row.reason.partition(",")[0] for row in evasive} == {"evasive (\N{MINUS SIGN})"}


def test_where_nothing_moves_an_answer_the_reason_says_so(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    weights = dict.fromkeys(FEATURES, 0.0)
    declared = PsychometricSettings(
        **quiet, quality=weights | {"evasiveness": -0.11}, value_weight=0
    )
    rows = ask(PsychometricMind(declared), jurors(1))
    # Five evasive phrases lower the standing by 0.11 * 5 / 6 = 0.09: too little for a word.
    assert [row.reason for row in rows] == ["nothing stands out"] * 3
    moved = declared.model_copy(update={"severity_mean": 0.5})
    assert {row.reason for row in ask(PsychometricMind(moved), jurors(1))} == {
        "strict rater (\N{MINUS SIGN})"
    }
