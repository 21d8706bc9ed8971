"""Choosing how questions are asked of a server: which labels, and which tokens spell them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphs.items import Question, question_name
from graphs.llm.capabilities import Capabilities
from graphs.llm.client import Client
from graphs.llm.elicitation.rows import Plan
from graphs.llm.labels import Labels, candidates
from graphs.llm.probing import token_ids
from graphs.llm.rendering import Form
from graphs.llm.settings import LlmSettings, Method
from personas.errors import InputError

_PLACEHOLDER = {"role": "user", "content": "Answer."}
_MOST_UNCHECKED_NUMBERS = 9
"""Without a tokenizer to ask, only single digits are taken to be single tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """Which single tokens spell each label: by label, the first is the one expected in place."""

    ids: tuple[tuple[int, ...], ...]


class Planner:
    """Makes plans for questions, asking the server's tokenizer once for each scale."""

    def __init__(
        self, client: Client, settings: LlmSettings, capabilities: Capabilities, method: Method
    ) -> None:
        self.method: Method = method
        self._client = client
        self._settings = settings
        self._capabilities = capabilities
        self._making = asyncio.Lock()
        self._plans: dict[tuple[Question, ...], Plan] = {}
        self._spellings: dict[tuple[str, ...], Spelling | None] = {}

    def groups(self, questions: Sequence[Question]) -> list[tuple[int, ...]]:
        """Which questions are put together in one conversation, by position."""
        return grouped(questions, self._settings, self.method)

    async def plan(self, asked: tuple[Question, ...]) -> Plan:
        """The plan for questions that are put together.

        Raises:
            InputError: no labels that are single tokens can be found.
            MindUnavailableError: the server does not answer.
        """
        plan = self._plans.get(asked)
        if plan is None:
            async with self._making:  # items begin together, and all want the same plan
                plan = self._plans.get(asked) or await self._make(asked)
                self._plans[asked] = plan
        return plan

    async def _make(self, asked: tuple[Question, ...]) -> Plan:
        if self.method == "probabilities":
            return await self._exact(asked[0])
        return unchecked_plan(asked, self._settings, self.method)

    async def _exact(self, question: Question) -> Plan:
        for labels in candidates(question):
            plan = await self._spelt(question, labels)
            if plan is not None:
                return plan
        raise InputError(
            f"the {len(question.points)} points of this scale cannot be told apart by one token",
            where="mind.elicitation",
            found="probabilities",
            expected="structured or sampled, or a scale of at most 20 points",
        )

    async def _spelt(self, question: Question, labels: Labels) -> Plan | None:
        form = Form(
            asked=(question,), names=(question_name(question),), labels=(labels,), reply="label"
        )
        if not self._capabilities.tokenize:
            short = max(map(len, labels.texts)) == 1
            return Plan(form=form, tokens=_by_text(labels)) if short else None
        if labels.texts not in self._spellings:
            self._spellings[labels.texts] = await self._spelling(labels.texts)
        spelling = self._spellings[labels.texts]
        if spelling is None:
            return None
        if not self._capabilities.logprob_token_ids:
            return Plan(form=form, tokens=_by_text(labels))
        ids = _within(spelling, self._capabilities.logprob_token_ids)
        if ids is None:
            return None
        tokens = {f"token_id:{one}": label for label, each in enumerate(ids) for one in each}
        return Plan(form=form, tokens=tokens, token_ids=tuple(one for each in ids for one in each))

    async def _spelling(self, texts: tuple[str, ...]) -> Spelling | None:
        """Single tokens of each label where the answer begins, alone, and after a space."""
        model = self._settings.model
        switches: dict[str, Any] = {}
        if self._capabilities.template_switches and self._settings.thinking == "off":
            switches = {"chat_template_kwargs": {"enable_thinking": False}}
        opening = await token_ids(
            self._client, model, messages=[_PLACEHOLDER], add_generation_prompt=True, **switches
        )
        found: list[tuple[int, ...]] = []
        for text in texts:
            answered = await token_ids(
                self._client,
                model,
                messages=[_PLACEHOLDER, {"role": "assistant", "content": text}],
                add_generation_prompt=False,
                continue_final_message=True,
                **switches,
            )
            spelt = [
                _added(opening, answered),
                await token_ids(self._client, model, prompt=text),
                await token_ids(self._client, model, prompt=f" {text}"),
            ]
            in_place = next((ids for ids in spelt[:2] if ids is not None), None)
            if in_place is None or len(in_place) != 1:
                return None
            found.append(tuple(dict.fromkeys(ids[0] for ids in spelt if ids and len(ids) == 1)))
        everything = [one for each in found for one in each]
        if len(set(everything)) < len(everything):
            found = [each[:1] for each in found]
            if len({each[0] for each in found}) < len(found):
                return None
        return Spelling(ids=tuple(found))


def grouped(
    questions: Sequence[Question], settings: LlmSettings, method: Method
) -> list[tuple[int, ...]]:
    """Which questions are put together in one conversation, by position."""
    everything = tuple(range(len(questions)))
    if method == "structured" and settings.joint_criteria:
        return [everything]
    return [(position,) for position in everything]


def unchecked_plan(asked: tuple[Question, ...], settings: LlmSettings, method: Method) -> Plan:
    """A plan with the first labels of each question, whatever tokens spell them."""
    reason = settings.reason if method == "structured" and settings.reason != "separate" else "none"
    form = Form(
        asked=asked,
        names=tuple(map(question_name, asked)),
        labels=tuple(candidates(question)[0] for question in asked),
        reply="json" if method == "structured" else "label",
        reason=reason,
    )
    return Plan(form=form, tokens={})


def _added(opening: list[int] | None, answered: list[int] | None) -> list[int] | None:
    """The tokens that an answer adds to an opening; None where it does not just add."""
    if opening is None or answered is None or answered[: len(opening)] != opening:
        return None
    return answered[len(opening) :]


def _within(spelling: Spelling, most: int) -> tuple[tuple[int, ...], ...] | None:
    """All spellings where the server reports so many tokens, else the expected ones."""
    if sum(map(len, spelling.ids)) <= most:
        return spelling.ids
    expected = tuple(each[:1] for each in spelling.ids)
    return expected if len(expected) <= most else None


def _by_text(labels: Labels) -> dict[str, int]:
    """Labels as servers that report tokens as text spell them."""
    return {
        spelt: number for number, text in enumerate(labels.texts) for spelt in (text, f" {text}")
    }
