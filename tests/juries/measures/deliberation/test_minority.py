"""The dissenting cluster is found where there is one, with its firmest reasons first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.measures.deliberation.minority import minority_report

NAN = np.nan


def report(final, start=None, **options):
    final = np.array(final, dtype=float)
    start = final if start is None else np.array(start, dtype=float)
    return minority_report(final, start=start, apart=options.pop("apart", 2.0), **options)


def test_a_planted_minority_is_found_with_its_reasons() -> None:
    found = report(
        [5, 1, 4, 5, 2, 5, NAN, 1],
        start=[3, 1, 2, 5, 2, 4, 5, 4],
        reasons={0: "it helps", 1: "it misleads", 4: "too long", 7: "I was persuaded it is wrong"},
    )
    assert found is not None
    assert found.jurors == (1, 7, 4)
    assert found.size == 3
    assert found.share == pytest.approx(3 / 8)  # of all seats, the invalid one included
    assert found.position == pytest.approx(4 / 3)
    assert found.majority == pytest.approx(19 / 4)
    assert [reason.juror for reason in found.reasons] == [1, 7, 4]
    assert found.reasons[0].moved == 0.0
    assert found.reasons[1].moved == 3.0
    assert not found.even


def test_reasons_are_the_firmest_and_no_more_than_asked() -> None:
    found = report(
        [1, 1, 1, 5, 5, 5, 5],
        start=[5, 2, NAN, 5, 5, 5, 5],
        reasons={0: "zero", 1: "one", 2: "two"},
        most_reasons=2,
    )
    assert found is not None
    assert [reason.text for reason in found.reasons] == ["one", "zero"]
    without = report([1, 5, 5], reasons={1: "of the majority"})
    assert without is not None
    assert without.reasons == ()


@pytest.mark.parametrize(
    "final", [[3, 3, 3, 3], [3, 4, 3, 4], [NAN, NAN], [5], [NAN, 2, 2]], ids=str
)
def test_a_jury_that_agrees_has_no_minority(final) -> None:
    assert report(final) is None


def test_weights_decide_who_is_the_minority() -> None:
    counted = report([1, 5, 5])
    weighed = report([1, 5, 5], weights=np.array([0.8, 0.1, 0.1]))
    assert counted is not None
    assert weighed is not None
    assert counted.jurors == (0,)
    assert weighed.jurors == (1, 2)
    assert weighed.share == pytest.approx(0.2)


def test_an_even_split_is_said() -> None:
    found = report([1, 1, 5, 5])
    assert found is not None
    assert found.even
    assert found.share == 0.5


@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=9),
    st.floats(0.5, 5),
    st.randoms(use_true_random=False),
)
def test_the_split_is_the_best_of_all_cuts_whoever_sits_where(points, apart, random) -> None:
    final = np.array(points, dtype=float)
    found = report(final, apart=apart)
    cuts = sorted(set(points))[1:]
    if not cuts:
        assert found is None
        return

    def within(cut: int) -> float:
        return sum(
            ((side - side.mean()) ** 2).sum() for side in (final[final < cut], final[final >= cut])
        )

    best = min(cuts, key=within)
    if found is not None:
        low, high = sorted((found.position, found.majority))
        sides = final[final <= (low + high) / 2], final[final > (low + high) / 2]
        assert within(best) == pytest.approx(sum(((s - s.mean()) ** 2).sum() for s in sides))
        assert high - low >= apart - 1e-9
    order = list(range(len(points)))
    random.shuffle(order)
    shuffled = report(final[order], apart=apart)
    assert (shuffled is None) == (found is None)
    if found is not None and shuffled is not None:
        assert {order[juror] for juror in shuffled.jurors} == set(found.jurors)
