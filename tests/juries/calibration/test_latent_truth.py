"""Latent-truth aggregates: the published example, crowd-kit, planted truth and invariances."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.calibration import Answers, dawid_skene, glad, mace, soft_labels

# Dawid and Skene 1979, table 1: 45 patients; the first observer saw each three times
ANAESTHETISTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


@pytest.fixture(scope="module")
def anaesthetists() -> Answers:
    observers = "1112345"
    return Answers.from_rows(
        (
            (f"patient {i}", f"observer {who}", int(said))
            for i, line in enumerate(ANAESTHETISTS.split())
            for who, said in zip(observers, line, strict=True)
        ),
        points=4,
    )


def planted(seed: int, *, units=400, raters=12, points=4, accuracy=(0.4, 0.9)):
    """Raters of planted accuracy about a planted truth, 70 % of the cells filled."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, points + 1, size=units)
    skill = np.linspace(*accuracy, raters)
    right = rng.random((raters, units)) < skill[:, None]
    slip = (truth - 1 + rng.integers(1, points, size=(raters, units))) % points + 1
    matrix = np.where(right, truth, slip)
    matrix[rng.random(matrix.shape) > 0.7] = -1
    names = [f"u{i}" for i in range(units)]
    return (
        Answers.from_matrix(
            matrix, points=points, units=names, raters=[f"r{j}" for j in range(raters)]
        ),
        truth,
        skill,
    )


@pytest.fixture(scope="module")
def crowdkit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("crowdkit.aggregation", reason="crowd-kit is not installed")


@pytest.fixture
def as_frame():
    pandas = pytest.importorskip("pandas")

    def frame(answers: Answers):
        return pandas.DataFrame(
            {
                "task": np.array(answers.units)[answers.unit],
                "worker": np.array(answers.raters)[answers.rater],
                "label": answers.rating,
            }
        )

    return frame


def test_dawid_and_skenes_own_example_is_reproduced(anaesthetists):
    fit = dawid_skene(anaesthetists, iterations=2000, tolerance=1e-13)

    np.testing.assert_allclose(fit.prior, [0.40, 0.42, 0.11, 0.07], atol=0.005)
    assert fit.log_likelihood == pytest.approx(-192.890881, abs=5e-5)
    assert fit.converged
    assert fit.posterior.sum() == pytest.approx(45)


def test_dawid_skene_agrees_with_crowd_kit(crowdkit, as_frame):
    answers, _, _ = planted(1)
    ours = dawid_skene(answers, iterations=20, tolerance=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # its own stopping rule ends after two steps: a hugely negative tolerance takes them all
        theirs = crowdkit.DawidSkene(n_iter=20, tol=-1e9).fit(as_frame(answers))

    posterior = theirs.probas_.reindex(list(answers.units))[[1, 2, 3, 4]].to_numpy()
    np.testing.assert_allclose(ours.posterior, posterior, atol=1e-3)
    assert (ours.posterior.argmax(axis=1) == posterior.argmax(axis=1)).mean() > 0.999


@pytest.mark.parametrize("method", ["MACE", "GLAD"])
def test_mace_and_glad_find_the_labels_that_crowd_kit_finds(crowdkit, as_frame, method):
    answers, truth, _ = planted(2, units=200)
    ours = {"MACE": mace, "GLAD": glad}[method](answers)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = (
            crowdkit.MACE(n_restarts=2, n_iter=20, random_state=0)
            if method == "MACE"
            else crowdkit.GLAD()
        )
        theirs = model.fit_predict(as_frame(answers)).reindex(list(answers.units)).to_numpy()

    assert (ours.labels == theirs).mean() > 0.97
    assert (ours.labels == truth).mean() >= (theirs == truth).mean() - 0.02


@pytest.mark.parametrize("method", [dawid_skene, mace, glad])
def test_planted_truth_and_skill_are_recovered(method):
    answers, truth, skill = planted(3, units=1500)
    fit = method(answers)

    majority = answers.counts().argmax(axis=1) + 1
    assert (fit.labels == truth).mean() > (majority == truth).mean()
    assert np.corrcoef(fit.competence, skill)[0, 1] > 0.97


def test_dawid_skene_recovers_confusion_within_its_error():
    answers, _, skill = planted(4, units=4000, accuracy=(0.5, 0.85))
    fit = dawid_skene(answers)

    assert fit.competence_error is not None
    assert (np.abs(fit.competence - skill) < 4 * fit.competence_error + 0.01).all()
    assert fit.confusion is not None
    np.testing.assert_allclose(fit.confusion.sum(axis=2), 1)


def test_mace_separates_knowing_from_a_spammers_favourite():
    rng = np.random.default_rng(5)
    truth = rng.integers(1, 4, size=600)
    knowing = [np.where(rng.random(600) < 0.9, truth, rng.integers(1, 4, 600)) for _ in range(4)]
    spam = [np.full(600, 3), rng.integers(1, 4, 600)]
    answers = Answers.from_matrix(
        np.array([*knowing, *spam]),
        points=3,
        units=[str(i) for i in range(600)],
        raters=list("abcdef"),
    )
    fit = mace(answers)

    assert (fit.competence[:4] > 0.8).all()
    assert (fit.competence[4:] < 0.15).all()
    assert fit.confusion is not None
    assert fit.confusion[4, 0, 2] > 0.9


def test_glad_finds_the_harder_units():
    rng = np.random.default_rng(6)
    truth = rng.integers(1, 4, size=400)
    hard = np.arange(400) < 200
    chance = np.where(hard, 0.45, 0.95)
    right = rng.random((15, 400)) < chance
    slips = (truth - 1 + rng.integers(1, 3, size=(15, 400))) % 3 + 1
    answers = Answers.from_matrix(
        np.where(right, truth, slips),
        points=3,
        units=[str(i) for i in range(400)],
        raters=[str(j) for j in range(15)],
    )
    fit = glad(answers)

    assert fit.difficulty is not None
    assert np.median(fit.difficulty[hard]) > 2 * np.median(fit.difficulty[~hard])


@given(st.permutations(range(12)), st.integers(0, 999))
def test_the_order_of_raters_and_units_does_not_matter(order, seed):
    answers, _, _ = planted(seed, units=40)
    relabelled = Answers(
        units=answers.units,
        raters=tuple(answers.raters[j] for j in order),
        unit=answers.unit[::-1],
        rater=np.argsort(order)[answers.rater][::-1],
        rating=answers.rating[::-1],
        points=4,
    )
    a, b = (dawid_skene(table, iterations=5, tolerance=-1) for table in (answers, relabelled))

    np.testing.assert_allclose(a.posterior, b.posterior, atol=1e-9)
    np.testing.assert_allclose(a.competence[list(order)], b.competence, atol=1e-9)


def test_units_that_nobody_answered_keep_the_prior(anaesthetists):
    wider = anaesthetists.on_units((*anaesthetists.units, "unseen"))
    fit, known = dawid_skene(wider), dawid_skene(anaesthetists)

    np.testing.assert_allclose(fit.posterior[-1], fit.prior)
    assert fit.log_likelihood == pytest.approx(known.log_likelihood)


def test_blocks_of_units_do_not_change_the_fit(anaesthetists, monkeypatch):
    whole = dawid_skene(anaesthetists)
    monkeypatch.setattr("juries.calibration.latent_truth._BLOCK", 7)
    np.testing.assert_allclose(dawid_skene(anaesthetists).posterior, whole.posterior, atol=1e-12)


def test_soft_labels_are_the_weighted_shares():
    answers = Answers.from_rows(
        [("u", "a", 1), ("u", "b", 3), ("u", "c", 3), ("v", "a", 2)], points=3
    )
    plain = soft_labels(answers.on_units(("u", "v", "w")))
    weighted = soft_labels(answers, weights=[2, 1, 1])

    np.testing.assert_allclose(plain.distribution[0], [1 / 3, 0, 2 / 3])
    assert np.isnan(plain.distribution[2]).all()
    assert plain.entropy[1] == 0
    np.testing.assert_allclose(weighted.distribution[0], [0.5, 0, 0.5])
    assert weighted.effective[0] == pytest.approx(16 / 6)
    np.testing.assert_allclose(
        soft_labels(answers, smoothing=1).distribution[1], [1 / 4, 2 / 4, 1 / 4]
    )


def test_people_and_jurors_join_as_raters_of_one_table():
    people = Answers.from_rows([("u", "a", 1), ("v", "a", 2)], points=3)
    jury = Answers.from_rows([("v", "a", 3), ("w", "b", 1)], points=3)
    both = people.joined(jury)

    assert both.units == ("u", "v", "w")
    assert both.raters == ("a", "a", "b")
    assert both.counts().tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    with pytest.raises(ValueError, match="3 and 4 points"):
        people.joined(Answers.from_rows([("u", "a", 4)], points=4))


def test_no_answers_are_refused():
    empty = Answers.from_rows([], points=3)
    for method in (dawid_skene, mace, glad):
        with pytest.raises(ValueError, match="at least one answer"):
            method(empty)
    with pytest.raises(ValueError, match=r"rating must lie in 1\.\.3"):
        Answers.from_rows([("u", "a", 4)], points=3)
