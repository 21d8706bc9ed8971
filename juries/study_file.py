"""Study files: YAML read safely, validated, with errors that name the line.

The YAML is parsed to nodes first, so that every value keeps the line it stands on; what pydantic
then says of a value is said with that line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from personas.errors import InputError, shorten

Place = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)
_MAX_BYTES = 10_000_000
_MAX_DEPTH, _MAX_NODES = 40, 200_000
_SHOWN = 5
_TAGS = {"map", "seq", "str", "int", "float", "bool", "null", "timestamp"}
_SCALARS = yaml.constructor.SafeConstructor()


def load_model(path: Path, model: type[_Model]) -> _Model:
    """Read a YAML file into a validated model.

    Raises:
        InputError: missing, unreadable or malformed file; unknown key; invalid value.
    """
    data, lines = read_yaml(path)
    return validate(model, data, where=path, lines=lines)


def read_yaml(path: Path) -> tuple[object, dict[Place, int]]:
    """The content of a YAML file and the line on which each value stands."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(
                "the file is too large for a study", where=path, expected="under 10 MB"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", where=path) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            "the file is not UTF-8", where=path, line=line, hint="Save it as UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise InputError("the file is empty", where=path)
        lines: dict[Place, int] = {}
        return _plain(node, (), lines, path), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(
            f"malformed YAML: {error.problem or error}",
            where=path,
            line=None if mark is None else mark.line + 1,
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"malformed YAML: {error}", where=path) from None


def validate(
    model: type[_Model], data: object, *, where: Path | str, lines: dict[Place, int] | None = None
) -> _Model:
    """Validate data, turning pydantic's report into one message for a user."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        first = problems[0]
        texts = [_sentence(problem, lines or {}) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            texts.append(f"and {len(problems) - _SHOWN} more")
        line = _line(first, lines or {})
        raise InputError("\n  ".join(texts), where=where, line=line) from None


def _sentence(problem: Any, lines: dict[Place, int]) -> str:
    place = ".".join(str(part) for part in _known_place(problem["loc"], lines))
    message: str = problem["msg"].removeprefix("Value error, ")
    found: object = problem.get("input")
    said = problem["type"] == "missing" or "}" in repr(found) or "]" in repr(found)
    secret = "ledger" in problem["loc"] or ("://" in repr(found) and "@" in repr(found))
    seen = "" if said or secret else f", found {shorten(found)}"
    return f"{place}: {message}{seen}" if place else f"{message}{seen}"


def _line(problem: Any, lines: dict[Place, int]) -> int | None:
    place: Place = problem["loc"]
    name = problem.get("ctx", {}).get("name")
    if name is not None and (*_known_place(place, lines), name) in lines:
        return lines[(*_known_place(place, lines), name)]
    return lines.get(_known_place(place, lines))


def _known_place(location: Sequence[str | int], lines: dict[Place, int]) -> Place:
    """The location without the union tags that pydantic puts into it."""
    place: Place = ()
    for index, part in enumerate(location):
        if (*place, part) in lines or (not lines) or index == len(location) - 1:
            place = (*place, part)
    return place


def _plain(node: Node, place: Place, lines: dict[Place, int], path: Path) -> object:
    lines[place] = node.start_mark.line + 1
    if len(place) > _MAX_DEPTH or len(lines) > _MAX_NODES:  # an alias can hold itself
        raise InputError("the file nests or repeats too much for a study", where=path)
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise yaml.MarkedYAMLError(problem=f"tag {node.tag}", problem_mark=node.start_mark)
    if isinstance(node, MappingNode):
        mapping: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            if not isinstance(key, str | int):
                key = str(key_node.value)  # `no:` and `1.5:` are names here
            if key in mapping:
                raise InputError(
                    f"key {key!r} stands twice", where=path, line=key_node.start_mark.line + 1
                )
            mapping[key] = _plain(value_node, (*place, key), lines, path)
            lines[(*place, key)] = key_node.start_mark.line + 1
        return mapping
    if isinstance(node, SequenceNode):
        return [_plain(child, (*place, i), lines, path) for i, child in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: Node) -> object:
    if not isinstance(node, ScalarNode):
        raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=node.start_mark)
    return _SCALARS.construct_object(node)
