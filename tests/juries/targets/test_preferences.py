"""Preference pairs: the planted order, ties, filters, groups, missing ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import juries
from juries.measures.welfare_functions import parse_welfare
from juries.targets.evidence import Evidence, evidence
from juries.targets.pairs import PairSettings
from juries.targets.preferences import preference_pairs
from personas.errors import InputError

Make = Callable[..., Evidence]


def test_planted_groups_are_found(demo_run: juries.Run) -> None:
    known = evidence(demo_run)
    (jury,) = preference_pairs(known, PairSettings())
    # The two best answers may change places on an item; the evasive one is always the worst.
    assert {pair.rejected for pair in jury.pairs} == {"evasive"}
    assert Counter(pair.chosen for pair in jury.pairs)["one-sided"] >= 20
    sets = {
        each.group: Counter((pair.chosen, pair.rejected) for pair in each.pairs)
        for each in preference_pairs(known, PairSettings(pairs="all"), by="outlook")
    }
    assert sets["outlook=decisive"]["one-sided", "plural"] == 24
    assert sets["outlook=deliberative"]["plural", "one-sided"] == 24
    assert all(pair.confidence > 0.99 for pair in jury.pairs)


def test_the_welfare_function_decides(demo_run: juries.Run) -> None:
    settings = PairSettings(welfare=parse_welfare("rawlsian"), pairs="all")
    (worst_off,) = preference_pairs(evidence(demo_run), settings)
    orders = Counter((pair.chosen, pair.rejected) for pair in worst_off.pairs)
    assert orders["plural", "one-sided"] >= 22
    assert worst_off.provenance.welfare == "power:-inf"
    assert worst_off.provenance.uncalibrated
    assert "single jurors" in worst_off.provenance.notes[0]


def test_a_pareto_set_harms_no_planted_group(demo_run: juries.Run) -> None:
    known = evidence(demo_run)
    settings = PairSettings(groups=("outlook",), pareto_only=True, pairs="all")
    (kept,) = preference_pairs(known, settings)
    assert kept.pairs
    assert all(pair.worst_group_margin is not None for pair in kept.pairs)
    assert all((pair.worst_group_margin or 0) >= -1e-9 for pair in kept.pairs)
    # One-sided over plural gains for the majority and costs the planted minority.
    assert ("one-sided", "plural") not in {(p.chosen, p.rejected) for p in kept.pairs}
    assert kept.dropped["not a Pareto improvement"] == 72 - len(kept.pairs)


def test_figures_by_hand(make_evidence: Make) -> None:
    known = make_evidence(
        np.array([[[1.0, 0.5, 0.0]], [[0.5, 0.5, 0.25]]]), weights=[0.5, 0.25, 0.25]
    )
    (found,) = preference_pairs(known, PairSettings())
    (pair,) = found.pairs
    assert (pair.chosen, pair.rejected) == ("m0", "m1")
    assert pair.margin == pytest.approx(0.625 - 0.4375)
    assert pair.agreement == pytest.approx(0.5)
    assert pair.opposed == pytest.approx(0.25)
    # Three jurors drawn, a, b and c times: the margin's sign is that of a/4 - c/16. It is positive
    # unless a = 0 (8 of 27 draws), and tied where all three are juror 1 (1 of 27).
    assert pair.confidence == pytest.approx(19 / 27 + 0.5 / 27, abs=0.11)


def test_ties_make_no_pair_and_are_counted(make_evidence: Make) -> None:
    same = np.array([[[0.25, 0.75]], [[0.75, 0.25]]], dtype=np.float32)
    (found,) = preference_pairs(make_evidence(same), PairSettings())
    assert found.pairs == ()
    assert found.dropped == {"tie": 1}


def test_responses_are_compared_over_those_who_rated_both(make_evidence: Make) -> None:
    utilities = np.array([[[0.9, 0.2, np.nan]], [[np.nan, 0.4, 1.0]]])
    (found,) = preference_pairs(make_evidence(utilities), PairSettings(min_answered=0.3))
    (pair,) = found.pairs
    assert (pair.chosen, pair.jurors) == ("m1", 1)
    assert pair.margin == pytest.approx(0.2)
    (none,) = preference_pairs(make_evidence(utilities), PairSettings())
    assert none.dropped == {"too few rated both": 1}


def test_filters_choose_the_widest_pair_that_passes(make_evidence: Make) -> None:
    # m0 over m2 is widest by the mean, but two of three jurors rate m2 higher.
    table = np.array([[[1.0, 0.4, 0.4]], [[0.6, 0.2, 0.2]], [[0.0, 0.45, 0.45]]])
    (found,) = preference_pairs(make_evidence(table), PairSettings(min_agreement=0.9))
    assert [(p.chosen, p.rejected) for p in found.pairs] == [("m0", "m1")]
    assert found.dropped == {"agreement": 2, "not the widest": 0}
    (none,) = preference_pairs(make_evidence(table), PairSettings(min_margin=0.5))
    assert none.pairs == ()


def test_one_response_is_no_choice(make_evidence: Make) -> None:
    with pytest.raises(InputError, match="no item has two responses"):
        preference_pairs(make_evidence(np.full((1, 3, 4), 0.5)), PairSettings())
    present = np.array([[True, True], [True, False]])
    known = make_evidence(np.array([[[1.0], [1.0]], [[0.0], [np.nan]]]), present=present)
    (found,) = preference_pairs(known, PairSettings())
    assert len(found.pairs) == 1
    assert found.dropped["fewer than two responses"] == 1


def test_unknown_attributes_and_settings_are_refused(make_evidence: Make) -> None:
    known = make_evidence(np.random.default_rng(0).random((2, 2, 6)))
    with pytest.raises(InputError, match="no juror has the attribute 'outlok'"):
        preference_pairs(known, PairSettings(), by="outlok")
    with pytest.raises(InputError, match="no two jurors share a level of 'seat'"):
        preference_pairs(known, PairSettings(), by="seat")
    with pytest.raises(InputError, match="Pareto-improving set needs groups"):
        PairSettings(pareto_only=True)
    with pytest.raises(InputError, match="min_margin is 2"):
        PairSettings(min_margin=2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_relabelling_models_and_seats_changes_no_pair(make_evidence: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 5, (3, 4, 6)) / 4
    weights = rng.random(6) + 0.1
    turned = rng.permutation(6)
    (one,) = preference_pairs(make_evidence(table, weights=weights), PairSettings(pairs="all"))
    (two,) = preference_pairs(
        make_evidence(table[::-1][:, :, turned], weights=weights[turned]),
        PairSettings(pairs="all"),
    )
    names = {"m0": "m2", "m1": "m1", "m2": "m0"}
    as_said = {(p.item, p.chosen, p.rejected): p for p in one.pairs}
    again = {(p.item, names[p.chosen], names[p.rejected]): p for p in two.pairs}
    assert as_said.keys() == again.keys()
    for key, pair in as_said.items():
        assert again[key].margin == pytest.approx(pair.margin)
        assert again[key].agreement == pytest.approx(pair.agreement)
