"""Target distributions as rows, and in the shape of the Le-Wi-Di shared tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from juries.targets.distributions import TargetDistribution, TargetDistributions

Row = dict[str, object]


def distribution_rows(targets: TargetDistributions) -> Iterator[Row]:
    """One row a response, criterion and population."""
    for one in targets.distributions:
        yield {**asdict(one), "uncalibrated": targets.provenance.uncalibrated}


def lewidi(
    targets: TargetDistributions, texts: Mapping[tuple[str, str], tuple[str, str]]
) -> dict[str, Row]:
    """The JSON object of a Le-Wi-Di file (second edition, SemEval 2023 task 11), by number.

    Soft labels are by option number from 0, as strings, and sum to 1; the options' names stand in
    `other_info`. Where the jury has several populations each makes an instance of its own, named
    by `annotators`; `annotations` is empty, since a target is a distribution and no single answer.

    Args:
        targets: the distributions.
        texts: prompt and response by item id and model.
    """
    return {
        str(number): _instance(one, *texts[one.item, one.model], targets)
        for number, one in enumerate(targets.distributions)
    }


def _instance(
    one: TargetDistribution, prompt: str, response: str, targets: TargetDistributions
) -> Row:
    soft = {str(number): share for number, share in enumerate(one.probabilities)}
    return {
        "text": f"{prompt}\n\n{response}",
        "annotation task": one.criterion,
        "number of annotations": one.n,
        "annotations": "",
        "annotators": one.population,
        "lang": "",
        "hard_label": max(soft, key=soft.__getitem__),
        "soft_label": soft,
        "split": "train",
        "other_info": {
            "item_id": one.item,
            "model": one.model,
            "options": list(one.options),
            "n_effective": one.n_effective,
            "uncalibrated": targets.provenance.uncalibrated,
            "produced by": targets.provenance.produced_by,
        },
    }
