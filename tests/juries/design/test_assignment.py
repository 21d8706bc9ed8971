"""Who is asked about what: balanced, random, and the same for every reader."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import juries
from graphs.assignment import balanced_assignment
from graphs.panel import Juror, Panel
from juries.design import assignment_of
from juries.runs import load_study
from personas.errors import InputError
from personas.persona import Persona


@st.composite
def designs(draw: st.DrawFn) -> tuple[int, int, int, int]:
    items, jurors = draw(st.integers(1, 60)), draw(st.integers(1, 30))
    return items, jurors, draw(st.integers(0, items * jurors)), draw(st.integers(0, 99))


@given(designs(), st.floats(0, 1))
def test_items_and_jurors_have_the_same_numbers_up_to_one(
    design: tuple[int, int, int, int], part: float
) -> None:
    items, jurors, pairs, seed = design
    rng = np.random.default_rng(seed)
    asked = balanced_assignment(items, jurors, pairs=pairs, rng=rng).asked
    assert asked.shape == (items, jurors)
    assert asked.sum() == pairs
    of_items, of_jurors = asked.sum(axis=1), asked.sum(axis=0)
    assert of_items.max() - of_items.min() <= 1
    assert of_jurors.max() - of_jurors.min() <= 1
    # A run with `--limit` covers the first items only.
    first = asked[: int(part * items)].sum(axis=0)
    assert first.max() - first.min() <= 1


def test_there_are_no_fixed_teams() -> None:
    """Jurors who only ever sit with the same others could not be told from their items."""
    asked = balanced_assignment(60, 20, pairs=240, rng=np.random.default_rng(3)).asked
    together = asked.T.astype(int) @ asked
    assert nx.is_connected(nx.from_numpy_array(together))
    pairs = together[np.triu_indices(20, 1)]
    # 60 items of 4 jurors make 360 pairs of jurors, 190 are possible: fixed teams would make 30.
    assert (pairs > 0).sum() > 120
    assert pairs.max() <= 10


def test_every_place_is_equally_likely() -> None:
    rng = np.random.default_rng(5)
    total = np.zeros((7, 5))
    for _ in range(2000):
        total += balanced_assignment(7, 5, pairs=15, rng=rng).asked
    sizes = np.diff(np.arange(8) * 15 // 7)
    # Standard errors are 0.011; twenty of them would hide nothing, five let no chance fail it.
    np.testing.assert_allclose(total / 2000, sizes[:, None] / 5 * np.ones(5), atol=0.055)


def test_more_pairs_than_there_are() -> None:
    with pytest.raises(ValueError, match="13 pairs of 3 items and 4 jurors"):
        balanced_assignment(3, 4, pairs=13, rng=np.random.default_rng(0))


def test_of_some_jurors_those_who_are_asked() -> None:
    given_ = balanced_assignment(4, 6, pairs=12, rng=np.random.default_rng(1))
    jurors = [
        Juror(position=n, id=str(n), persona=Persona(attributes={"n": n}), weight=1.0, mind="m")
        for n in range(6)
    ]
    some = Panel(tuple(jurors[2:5]))
    for item in range(4):
        found = [juror.position for juror in given_.panel(item, some).jurors]
        assert found == [n for n in (2, 3, 4) if given_.asked[item, n]]
        assert given_.jurors(item) == 3
        np.testing.assert_array_equal(given_.repeated(2).asked[4 + item], given_.asked[item])
    assert given_.share(some) == given_.asked[:, 2:5].mean()


def test_a_share_and_a_number_of_items(small_study) -> None:
    def asked(**design: object) -> np.ndarray:
        study, _ = load_study(small_study(design=design))
        found = assignment_of(study, items=12, jurors=10)
        assert found is not None
        return found.asked

    assert asked(share=0.3).sum() == 36
    assert (asked(items_per_juror=5).sum(axis=0) == 5).all()
    np.testing.assert_array_equal(asked(share=0.5), asked(items_per_juror=6))
    np.testing.assert_array_equal(asked(share=0.3), asked(share=0.3))
    assert asked(share=1).all()
    study, _ = load_study(small_study(design={"share": 0.5}))
    other = assignment_of(study.model_copy(update={"seed": 12}), items=12, jurors=10)
    assert other is not None
    assert (other.asked != asked(share=0.5)).any()


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"design": {}}, "give share or items_per_juror, one of them"),
        ({"design": {"share": 0.1, "items_per_juror": 2}}, "one of them"),
        ({"design": {"share": 1.5}}, "less than or equal to 1"),
        ({"design": {"shares": 0.1}}, "share"),
        ({"design": {"items_per_juror": 13}}, "12 at most"),
        ({"design": {"share": 0.05}}, "some items would be put to no juror"),
        (
            {"design": {"share": 0.5}, "deliberation": {"protocol": "independent", "rounds": 1}},
            "a sparse design does not go with deliberation",
        ),
    ],
)
def test_a_design_that_cannot_be(small_study, tmp_path: Path, sections, said: str) -> None:
    with pytest.raises(InputError, match=said):
        juries.run(small_study(**sections), out=tmp_path / "run")
    assert not (tmp_path / "run" / "ledger.sqlite").exists()
