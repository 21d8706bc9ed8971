"""Preference pairs in the forms that TRL's trainers read (dataset formats of TRL 1.x).

- `dpo_rows`: `prompt`, `chosen`, `rejected`, each a list of messages (DPO, ORPO, CPO, reward).
- `reward_rows`: the same with the numeric `margin` that `RewardTrainer` subtracts.
- `kto_rows`: `prompt`, `completion`, `label`, for unpaired preference (KTO, BCO).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphs.items import Item
from juries.targets.preferences import PreferenceSet

Row = dict[str, object]


def dpo_rows(pairs: PreferenceSet, items: Sequence[Item]) -> Iterator[Row]:
    """One row a pair, with an explicit prompt."""
    for pair in pairs.pairs:
        texts = _texts(items[pair.item])
        yield {
            "prompt": _said("user", items[pair.item].prompt),
            "chosen": _said("assistant", texts[pair.chosen]),
            "rejected": _said("assistant", texts[pair.rejected]),
        }


def reward_rows(pairs: PreferenceSet, items: Sequence[Item]) -> Iterator[Row]:
    """`dpo_rows` with the difference of welfare as margin, in (0, 1]."""
    for pair, row in zip(pairs.pairs, dpo_rows(pairs, items), strict=True):
        yield {**row, "margin": pair.margin}


def kto_rows(pairs: PreferenceSet, items: Sequence[Item]) -> Iterator[Row]:
    """One row a response that is only ever chosen (label true) or only ever rejected (false).

    A response that is better than one and worse than another carries no label and is left out.
    """
    chosen = {(pair.item, pair.chosen) for pair in pairs.pairs}
    rejected = {(pair.item, pair.rejected) for pair in pairs.pairs}
    for item, model in sorted(chosen ^ rejected):
        yield {
            "prompt": _said("user", items[item].prompt),
            "completion": _said("assistant", _texts(items[item])[model]),
            "label": (item, model) in chosen,
        }


def full_rows(pairs: PreferenceSet, items: Sequence[Item]) -> Iterator[Row]:
    """One row a pair with everything known of it; the texts are plain strings."""
    for pair in pairs.pairs:
        item = items[pair.item]
        texts = _texts(item)
        yield {
            "item_id": item.id,
            "group": pair.group,
            "prompt": item.prompt,
            "chosen": texts[pair.chosen],
            "rejected": texts[pair.rejected],
            "chosen_model": pair.chosen,
            "rejected_model": pair.rejected,
            "margin": pair.margin,
            "welfare_function": pairs.provenance.welfare,
            "welfare_chosen": pair.welfare_chosen,
            "welfare_rejected": pair.welfare_rejected,
            "agreement": pair.agreement,
            "opposed": pair.opposed,
            "confidence": pair.confidence,
            "jurors": pair.jurors,
            "pareto": pair.pareto,
            "worst_group": pair.worst_group,
            "worst_group_margin": pair.worst_group_margin,
            "uncalibrated": pairs.provenance.uncalibrated,
            "study": pairs.provenance.fingerprint,
        }


def _texts(item: Item) -> Mapping[str, str]:
    return {response.model: response.text for response in item.responses}


def _said(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]
