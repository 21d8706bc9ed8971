"""The grid: conversations that steer to each attribute in different ways, and one that does not.

A condition is named by what it does (`instruction`, `statements 4`, `turns 6` …); jurors never see
the name. `pushback` goes on from the subject's own answer to `instruction`, and `turns n` from its
own answers in a talk that grows turn by turn, unless the talk is scripted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphs.subjects.protocol import Ask, Message
from juries.steering.spec import AttributeSpec, GridSpec, PromptSpec, SteerStudy

NONE, INSTRUCTION, OPPOSING, PORTRAIT = "none", "instruction", "opposing", "portrait"
PUSHBACK = "pushback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation of the grid.

    Attributes:
        attribute: steered to; empty for the condition `none`.
        condition: how.
        prompt: id of the prompt.
        ask: the conversation.
    """

    attribute: str
    condition: str
    prompt: str
    ask: Ask


def statements(budget: int) -> str:
    """Name of the condition with so many example statements."""
    return f"statements {budget}"


def turns(number: int) -> str:
    """Name of the condition with so many turns after the instruction."""
    return f"turns {number}"


def paraphrase(number: int) -> str:
    """Name of the condition with the instruction in other words, from 1."""
    return f"paraphrase {number}"


def language(name: str) -> str:
    """Name of the condition with the instruction in a language."""
    return f"language {name}"


def conflict(other: str) -> str:
    """Name of the condition that asks for another attribute too."""
    return f"with {other}"


def first_cases(study: SteerStudy) -> Iterator[Case]:
    """Every conversation that can be asked at once."""
    for prompt in study.prompts:
        yield _case("", NONE, prompt, (_user(prompt.prompt),))
    for name, attribute in study.attributes.items():
        for condition, system in _systems(study, name, attribute).items():
            for prompt in study.prompts:
                said = (Message(role="system", content=system), _user(prompt.prompt))
                yield _case(name, condition, prompt, said)
        if study.grid.talk == "scripted":
            for number in study.grid.turns:
                for prompt in study.prompts:
                    said = _buried(attribute, study.grid, number, prompt)
                    yield _case(name, turns(number), prompt, said)


def talk_turn(attribute: AttributeSpec, grid: GridSpec, turn: int) -> Message:
    """What the user says in a turn of a live talk: first the instruction, then small talk."""
    if turn == 0:
        return _user(attribute.instruction)
    return _user(grid.small_talk[(turn - 1) % len(grid.small_talk)][0])


def talk_ask(attribute: str, turn: int, prompt: PromptSpec, messages: tuple[Message, ...]) -> Ask:
    """One turn of a live talk, put to the subject; each prompt has a talk of its own."""
    return Ask(key=f"{attribute}/talk {turn}/{prompt.id}", messages=messages)


def after_talk(attribute: str, number: int, prompt: PromptSpec, talk: tuple[Message, ...]) -> Case:
    """The question at the end of a live talk of so many turns."""
    return _case(attribute, turns(number), prompt, (*talk, _user(prompt.prompt)))


def pushback_cases(study: SteerStudy, answers: Mapping[tuple[str, str], str]) -> Iterator[Case]:
    """What a user says against the subject's own steered answers.

    Args:
        study: the study.
        answers: texts to the condition `instruction`, by attribute and prompt.
    """
    for name, attribute in study.attributes.items():
        if attribute.pushback is None:
            continue
        for prompt in study.prompts:
            said = answers.get((name, prompt.id))
            if said is None:
                continue
            yield _case(
                name,
                PUSHBACK,
                prompt,
                (
                    Message(role="system", content=attribute.instruction),
                    _user(prompt.prompt),
                    Message(role="assistant", content=said),
                    _user(f"{attribute.pushback}\n\n{prompt.prompt}"),
                ),
            )


def _systems(study: SteerStudy, name: str, attribute: AttributeSpec) -> dict[str, str]:
    """System messages by condition."""
    found = {INSTRUCTION: attribute.instruction}
    if attribute.opposing is not None:
        found[OPPOSING] = attribute.opposing
    if attribute.portrait is not None:
        found[PORTRAIT] = f"Answer as this person would:\n{attribute.portrait}"
    for budget in study.grid.budgets:
        if budget <= len(attribute.statements):
            examples = "\n".join(f"- {said}" for said in attribute.statements[:budget])
            found[statements(budget)] = f"Answer as someone who says:\n{examples}"
    for number, said in enumerate(attribute.paraphrases, start=1):
        found[paraphrase(number)] = said
    for name_of, said in attribute.translations.items():
        found[language(name_of)] = said
    if study.grid.conflicts:
        for other, theirs in study.attributes.items():
            if other != name:
                found[conflict(other)] = f"{attribute.instruction}\n{theirs.instruction}"
    return found


def _buried(
    attribute: AttributeSpec, grid: GridSpec, number: int, prompt: PromptSpec
) -> tuple[Message, ...]:
    """The instruction, so many turns of scripted small talk, then the question."""
    said = [_user(attribute.instruction), Message(role="assistant", content="All right.")]
    for turn in range(number - 1):
        asked, answered = grid.small_talk[turn % len(grid.small_talk)]
        said += [_user(asked), Message(role="assistant", content=answered)]
    return (*said, _user(prompt.prompt))


def _case(
    attribute: str, condition: str, prompt: PromptSpec, messages: tuple[Message, ...]
) -> Case:
    key = "/".join(part for part in (attribute, condition, prompt.id) if part)
    return Case(
        attribute=attribute,
        condition=condition,
        prompt=prompt.id,
        ask=Ask(key=key, messages=messages),
    )


def _user(text: str) -> Message:
    return Message(role="user", content=text)
