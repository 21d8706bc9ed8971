"""What a juror is told, as text files; their content hash is the prompts' version.

A study may replace any of them by a file of the same name in a folder of its own; `$name` marks
what is filled in, as in `string.Template`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from personas.errors import InputError, nearest
from personas.identity import content_hash

_HERE = Path(__file__).parent

FIELDS: dict[str, frozenset[str]] = {
    "frame": frozenset(),
    "item": frozenset({"mark", "prompt", "response"}),
    "pair": frozenset({"mark", "prompt", "response", "against"}),
    "persona": frozenset({"portrait"}),
    "question": frozenset({"question"}),
    "options": frozenset({"options"}),
    "criterion": frozenset({"name", "question", "options"}),
    "answer_label": frozenset({"labels"}),
    "answer_json": frozenset({"labels", "form"}),
    "reason": frozenset(),
    "talk_item": frozenset({"mark", "prompt", "responses"}),
    "talk_response": frozenset({"mark", "name", "response"}),
    "talk_jury": frozenset(),
    "talk_heard": frozenset({"round", "said"}),
    "talk_condensed": frozenset({"round", "said"}),
    "talk_votes": frozenset({"round", "votes"}),
    "talk_speak": frozenset({"round", "limit"}),
    "talk_side": frozenset({"round", "side", "limit"}),
    "talk_object": frozenset({"round", "side", "limit"}),
    "talk_opinion": frozenset({"limit"}),
    "talk_critique": frozenset({"statement", "limit"}),
    "talk_summary": frozenset({"limit"}),
    "talk_agreed": frozenset({"said"}),
    "talk_report": frozenset({"round", "said"}),
    "talk_ballot": frozenset({"response"}),
    "talk_rank": frozenset({"statements", "form"}),
    "mediator_frame": frozenset(),
    "mediator_draft": frozenset({"opinions", "limit"}),
    "mediator_revise": frozenset({"opinions", "leading", "critiques", "limit"}),
}
"""The files, and what each must hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """A set of prompts.

    Attributes:
        version: hash of all texts.
    """

    version: str
    _templates: dict[str, Template]

    def fill(self, name: str, /, **fields: str) -> str:
        """The prompt of this name with its fields filled in."""
        return self._templates[name].substitute(fields)


@cache
def load_prompts(folder: Path | None = None) -> Prompts:
    """The shipped prompts, with files in `folder` in place of those of the same name.

    Raises:
        InputError: a file in the folder is no prompt, or lacks or invents a field.
    """
    texts = {name: _read(_HERE / f"{name}.txt") for name in FIELDS}
    if folder is not None:
        if not folder.is_dir():
            raise InputError("the folder of prompts is not there", where=folder)
        for path in sorted(folder.glob("*.txt")):
            if path.stem not in FIELDS:
                raise InputError(
                    "this file is none of the prompts",
                    where=path,
                    expected="one of " + ", ".join(f"{name}.txt" for name in FIELDS),
                    hint=nearest(path.stem, FIELDS),
                )
            texts[path.stem] = _read(path)
            _check(path, texts[path.stem])
    return Prompts(content_hash(texts), {name: Template(text) for name, text in texts.items()})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("this prompt cannot be read", where=path, found=str(error)) from error


def _check(path: Path, text: str) -> None:
    template = Template(text)
    if not template.is_valid():
        raise InputError("a $ stands alone", where=path, hint="Write $$ for a dollar sign.")
    found, expected = set(template.get_identifiers()), set(FIELDS[path.stem])
    if found != expected:
        raise InputError(
            "this prompt must hold its fields, each at least once, and no others",
            where=path,
            found=", ".join(f"${name}" for name in sorted(found)) or "none",
            expected=", ".join(f"${name}" for name in sorted(expected)) or "none",
        )
