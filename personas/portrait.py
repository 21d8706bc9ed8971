"""A persona as text in the second person, for a model to answer as.

Wording is a threat to validity, so there are several templates to compare:

- `list`: one line per attribute.
- `prose`: one sentence per attribute.
- `interview`: questions and answers.

A portrait says each attribute once, with the value the source gave, and nothing else. It is a
function of the persona alone: equal personas have equal portraits. Text from a source is made one
line, so that no value can pass for a line of the template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from personas.errors import InputError, nearest
from personas.persona import AttributeValue, Persona, SchwartzValue

Template = Literal["list", "prose", "interview"]
TEMPLATES: tuple[Template, ...] = get_args(Template)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one template says things; `{name}` and `{value}` stand for an attribute's.

    Attributes:
        opening: the first line, or None.
        attribute: how an attribute is said.
        yes_no: how an attribute that is true or false is said.
        special: how some attributes are said, by name, where `attribute` would be clumsy.
        values: how value priorities are said, `{value}` being the ranking.
        narrative: how the narrative is said.
        joint: what stands between two statements.
    """

    opening: str | None
    attribute: str
    yes_no: str
    special: Mapping[str, str]
    values: str
    narrative: str
    joint: str


WORDINGS: Mapping[Template, Wording] = MappingProxyType(
    {
        "list": Wording(
            opening="You are a person described as follows.",
            attribute="- {name}: {value}",
            yes_no="- {name}: {value}",
            special={},
            values="- What matters to you, most important first: {value}",
            narrative='- In the words of a description of you: "{value}"',
            joint="\n",
        ),
        "prose": Wording(
            opening=None,
            attribute="Your {name} is: {value}.",
            yes_no='Asked "{name}?", you answer {value}.',
            special={"age": "You are {value} years old."},
            values="What matters to you, from most to least important: {value}.",
            narrative='A description of you reads: "{value}"',
            joint=" ",
        ),
        "interview": Wording(
            opening="You have answered these questions about yourself.",
            attribute="Question: What is your {name}?\nYou: {value}",
            yes_no="Question: {name}?\nYou: {value}",
            special={"age": "Question: How old are you?\nYou: {value}"},
            values="Question: What matters to you, from most to least important?\nYou: {value}",
            narrative='Question: How would a description of you read?\nYou: "{value}"',
            joint="\n\n",
        ),
    }
)


def portray(
    persona: Persona,
    template: Template = "list",
    *,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
) -> str:
    """The portrait of a persona.

    Args:
        persona: who is portrayed.
        template: one of `TEMPLATES`.
        include: the attributes to say, in this order; one that the persona lacks is left out.
            None says all, in the order of the source. Values and narrative are said in any case.
        exclude: attributes to leave out; `values` and `narrative` leave those out.

    Raises:
        InputError: for an unknown template.
    """
    if template not in WORDINGS:
        raise InputError(
            f"there is no portrait template {template!r}",
            expected="one of " + ", ".join(TEMPLATES),
            hint=nearest(template, TEMPLATES),
        )
    wording = WORDINGS[template]
    names = persona.attributes if include is None else dict.fromkeys(include)
    parts = [] if wording.opening is None else [wording.opening]
    for name in names:
        if name in persona.attributes and name not in exclude:
            parts.append(_attribute(wording, name, persona.attributes[name]))
    if persona.values and "values" not in exclude:
        parts.append(_fill(wording.values, value=_ranking(persona.values)))
    if persona.narrative is not None and "narrative" not in exclude:
        quoted = one_line(persona.narrative).replace('"', "'")
        parts.append(_fill(wording.narrative, value=quoted))
    return wording.joint.join(parts)


def humanised(name: str) -> str:
    """An attribute's name as words: `highest_degreeReceived` is `highest degree received`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", one_line(name))
    words = re.sub(r"[\s_.\-]+", " ", words).strip()
    return " ".join(word if word.isupper() else word.lower() for word in words.split())


def one_line(text: str) -> str:
    """Text without line breaks, control or invisible formatting characters; spaces single."""
    shown = (
        " " if char.isspace() or unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in text
        if unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn"}
    )
    return " ".join("".join(shown).split())


def _attribute(wording: Wording, name: str, value: AttributeValue) -> str:
    said = _said(value)
    pattern = wording.yes_no if isinstance(value, bool) else wording.attribute
    # "You are 25-34 years old" is right for a number only.
    if name in wording.special and isinstance(value, int | float) and not isinstance(value, bool):
        pattern = wording.special[name]
    if pattern.endswith("{value}.") and said.endswith((".", "!", "?")):
        pattern = pattern[:-1]
    return _fill(pattern, name=humanised(name), value=said)


def _said(value: AttributeValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    return one_line(str(value))


def _fill(pattern: str, **parts: str) -> str:
    """Fill in once: braces inside a value are text, not places to fill."""
    return re.sub(r"\{(\w+)\}", lambda place: parts[place[1]], pattern)


def _ranking(values: Mapping[SchwartzValue, float]) -> str:
    """Values from highest to lowest priority; equal ones share a place, in the circle's order."""
    places: dict[float, list[str]] = {}
    for value in SchwartzValue:
        if value in values:
            places.setdefault(values[value], []).append(value.replace("_", "-"))
    ranked = [names for _, names in sorted(places.items(), reverse=True)]
    return "; ".join(
        names[0] if len(names) == 1 else f"{', '.join(names)} (equally)" for names in ranked
    )
