"""The whole calibration: verdicts for planted worlds, estimates that cover, the record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphs.items import Choice
from juries.calibration import (
    CalibrationRecord,
    Options,
    PpiMean,
    Undefined,
    calibrate,
    item_scores,
    plan_sample,
    read_record,
    read_sample,
    write_sample,
)
from juries.human.ratings import HumanRatings
from personas.errors import InputError

QUICK = Options(resamples=200, splits=30)


def only_planned(people: HumanRatings, units: tuple[str, ...]) -> HumanRatings:
    """People's answers to the items of a plan."""
    wanted = np.array([name in units for name in people.items])[people.item]
    arrays = ("item", "model", "criterion", "annotator", "rating", "seconds", "repeat")
    return replace(people, **{name: getattr(people, name)[wanted] for name in arrays})


def test_a_jury_like_people_may_replace_them(world):
    people, jury = world(items=200, jurors=25, people=20)
    found = calibrate(people, jury, options=QUICK).criteria[0]

    assert found.verdict.decision == "replace"
    assert found.alt.passed
    assert not found.alt_random.passed
    assert any("The alt-test passes" in reason for reason in found.verdict.reasons)
    assert [(g.attribute, g.level, g.same_group) for g in found.groups] == [
        ("side", "right", True),
        ("side", "left", True),
    ]


def test_the_same_answers_from_a_simulator_never_replace_people(world):
    people, jury = world(items=200, jurors=25, people=20, simulator=True, labelled=120)
    verdict = calibrate(people, jury, options=QUICK).criteria[0].verdict

    assert verdict.decision == "pre-annotate"
    assert "rater simulator" in verdict.reasons[0]


def test_a_biased_jury_may_pre_annotate(world):
    people, jury = world(items=200, bias=0.9, noise=0.3, labelled=80)
    found = calibrate(people, jury, options=QUICK).criteria[0]

    assert found.verdict.decision == "pre-annotate"
    assert any("Predictions pay for 2 of 2 estimates" in r for r in found.verdict.reasons)
    assert found.mapping.gain.interval.low > 0.2  # a constant bias is mapped away
    for one in found.estimates[:2]:
        assert one.result.pays
        assert one.result.interval.width < one.result.people_only.interval.width


def test_juries_of_noise_are_a_dont_even_where_chance_favours_them(world):
    people, jury = world(items=150, labelled=60, people=20)
    lucky = 0
    options = replace(QUICK, attributes=(), resamples=20, splits=2)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = rng.integers(1, 6, size=jury.points.shape, dtype=np.int8)
        noise = replace(jury, points=points, means=points.mean(axis=3))
        found = calibrate(people, noise, options=options).criteria[0]
        results = [one.result for one in found.estimates]

        assert found.verdict.decision == "don't"
        assert all(isinstance(result, PpiMean) for result in results)
        lucky += any(result.pays for result in results)
        doubt = "in doubt" if any(result.pays for result in results) else "saves nothing here"
        assert any(doubt in reason for reason in found.verdict.reasons)
    assert lucky > 0  # in the sample alone some of them seem to pay


def test_planned_estimates_of_models_and_their_difference_cover_the_truth(world):
    """People's mean over all items is known here, because everyone's answers are."""
    covered = {"model": 0, "difference": 0, "group": 0}
    narrower = []
    options = Options(resamples=20, splits=1, people="all")
    for seed in range(30):
        people, jury = world(items=150, bias=0.6, noise=0.3, seed=seed)
        truth = people.answers(0).means().reshape(150, 2)
        left = people.answers(0).by_raters(people.levels("side")[1] == 1).means().reshape(150, 2)
        plan = plan_sample(
            people.items, item_scores(jury, "neyman"), 50, strategy="neyman", seed=seed
        )
        found = calibrate(
            only_planned(people, plan.chosen), jury, plan=plan, options=options
        ).criteria[0]
        first = found.estimates[0].result
        covered["model"] += truth[:, 0].mean() in first.interval
        covered["difference"] += (
            np.mean(truth[:, 0] - truth[:, 1]) in found.differences[0].result.interval
        )
        group = next(e for e in found.estimates if e.level == "left" and e.model == "m0")
        covered["group"] += np.nanmean(left[:, 0]) in group.result.interval
        narrower.append(first.interval.width / first.people_only.interval.width)

    assert all(count >= 25 for count in covered.values()), covered
    assert np.mean(narrower) < 0.75


def test_a_choice_has_shares_for_estimates(world):
    scale = Choice(question="Which?", options=("one", "two", "three", "four", "five"))
    people, jury = world(scale=scale, items=120, labelled=60, models=1)
    found = calibrate(people, jury, options=QUICK).criteria[0]

    assert not found.ordinal
    assert found.mapping is None
    everyone = [one for one in found.estimates if not one.attribute]
    assert [one.what for one in everyone] == [f"share of {o}" for o in scale.options]
    assert sum(one.result.estimate for one in everyone) == pytest.approx(1, abs=0.15)


def test_with_everything_labelled_there_is_nothing_to_predict_but_a_use_to_foresee(world):
    people, jury = world(items=60, bias=1.2)
    found = calibrate(people, jury, options=QUICK).criteria[0]
    result = found.estimates[0].result

    assert result.estimate == pytest.approx(people.answers(0).means()[::2].mean())
    assert result.estimate == result.people_only.estimate
    assert result.n_unlabelled == 0
    assert "nothing left to predict" in result.notes[0]
    assert found.verdict.decision == "pre-annotate"
    assert any("On further items predictions would pay" in r for r in found.verdict.reasons)


def test_a_single_labelled_item_gives_no_estimate(world):
    people, jury = world(items=60, labelled=1)
    found = calibrate(people, jury, options=QUICK).criteria[0]

    assert isinstance(found.estimates[0].result, Undefined)
    assert "2 are needed" in found.estimates[0].result.reason
    assert found.verdict.decision == "don't"


def test_a_baseline_without_personas_stands_beside_the_jury(world):
    people, jury = world(items=120)
    _, other = world(items=120, bias=1.0, seed=0)
    found = calibrate(people, jury, no_persona=other, options=QUICK)

    one = found.criteria[0]
    baseline = one.items.baselines["no persona"].value
    assert baseline > one.items.absolute_difference.value + 0.3
    assert one.everyone.halves.no_persona.value > one.everyone.halves.jury.value
    assert not any("baseline without personas" in note for note in found.notes)


def test_people_without_a_response_in_common_are_refused(world):
    people, jury = world(items=40, labelled=20)
    silent = replace(jury, points=np.where(np.arange(40)[:, None] < 20, -1, jury.points))
    with pytest.raises(InputError, match="no response in common"):
        calibrate(people, silent, options=QUICK)


def test_groups_are_chosen_or_refused_by_name(world):
    people, jury = world(items=40, labelled=30)
    assert calibrate(people, jury, options=replace(QUICK, attributes=())).criteria[0].groups == ()
    with pytest.raises(InputError, match=r"no annotator has the attribute 'age'; expected side"):
        calibrate(people, jury, options=replace(QUICK, attributes=("age",)))


def test_the_same_seed_gives_the_same_calibration(world):
    people, jury = world(items=40, labelled=30)
    assert calibrate(people, jury, options=QUICK) == calibrate(people, jury, options=QUICK)


def test_items_on_which_the_jury_failed_come_first(world):
    _, jury = world(items=20)
    failed = jury.points.copy()
    failed[:, :, 7, :] = -1
    scores = item_scores(replace(jury, points=failed), "uncertainty")

    assert scores.argmax() == 7 or scores[7] == scores.max()
    assert np.isfinite(scores).all()


def test_disagreement_between_groups_finds_where_it_was_planted(world):
    _, jury = world(items=60, models=1, jurors=60)
    left = jury.group("side", "left")
    points = jury.points.copy()
    points[0, 0, :10, left] = 1
    points[0, 0, :10, ~left] = 5
    scores = item_scores(replace(jury, points=points), "disagreement", by=["side"])

    assert set(np.argsort(-scores)[:10]) == set(range(10))
    assert np.median(scores[10:]) < 0.1
    with pytest.raises(InputError, match="which"):
        item_scores(jury, "disagreement")
    with pytest.raises(InputError, match="fewer than two groups"):
        item_scores(jury, "disagreement", by=["age"])


@pytest.mark.parametrize("name", ["plan.csv", "plan.jsonl", "plan.parquet"])
def test_a_plan_is_read_back_as_it_was_written(tmp_path, name):
    rng = np.random.default_rng(3)
    plan = plan_sample([f"i{i}" for i in range(50)], rng.random(50), 17, seed=4)
    write_sample(tmp_path / name, plan)
    back = read_sample(tmp_path / name)

    assert back.chosen == plan.chosen
    chance = dict(zip(plan.units, plan.inclusion, strict=True))
    assert dict(zip(back.units, back.inclusion, strict=True)) == chance
    assert (back.strategy, back.seed, back.random_share) == ("neyman", 4, 0.25)


def test_an_edited_plan_is_refused(tmp_path):
    path = tmp_path / "plan.csv"
    write_sample(path, plan_sample([f"i{i}" for i in range(20)], np.ones(20), 8))
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)

    path.write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match="not the shares selected"):
        read_sample(path)
    path.write_text("".join([*lines, lines[-1]]))
    with pytest.raises(InputError, match=r"line 22: the item stands twice"):
        read_sample(path)
    path.write_text(whole.replace("neyman", "guess"))
    with pytest.raises(InputError, match="strategy is unknown"):
        read_sample(path)
    path.write_text(whole.replace(",True,", ",maybe,", 1))
    with pytest.raises(InputError, match="'selected' cannot be read"):
        read_sample(path)


def test_a_record_says_for_which_runs_it_holds(tmp_path):
    parts = {"model": "a", "prompts": "b", "population": "c", "scale": "d"}
    record = CalibrationRecord(
        run="r",
        study="s",
        parts=parts,
        decision="pre-annotate",
        reasons=("because",),
        figures={},
        human_file="people.csv",
        human_hash="h",
    )
    path = tmp_path / "calibration.json"
    record.write(path)
    back = read_record(path)

    assert back == record
    assert back.standing(parts).startswith("Calibrated against people.csv")
    other = {**parts, "model": "x", "scale": "y"}
    assert back.mismatches(other) == ("model", "scale")
    assert back.standing(other).startswith(
        "Not calibrated: this run and the record differ in model and"
    )
    path.write_text('{"run": 1}')
    with pytest.raises(InputError, match="cannot be read"):
        read_record(path)
    with pytest.raises(InputError, match="no calibration record"):
        read_record(tmp_path / "none.json")
