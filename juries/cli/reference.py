"""The page docs/reference/cli.md, from the commands: `python -m juries.cli.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

_OPENING = """# Command line

What `juries COMMAND --help` says, of every command. An error that you can mend is one message and
exit code 2. A run that was interrupted goes on when the same command is given again.
"""
_WIDTH = 88


def page() -> str:
    """The whole page, in Markdown."""
    from juries.cli.app import app

    parts = [_OPENING]
    for title, said in _helps(typer.main.get_command(app), "juries"):
        parts.append(f"## `{title}`\n\n```text\n{said}\n```\n")
    return "\n".join(parts)


def _helps(command: Any, title: str) -> Iterator[tuple[str, str]]:
    """Name and help of a command, then of those in it."""
    context = command.context_class(
        command, info_name=title, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    yield title, command.get_help(context).strip()
    for name, inner in getattr(command, "commands", {}).items():
        yield from _helps(inner, f"{title} {name}")


if __name__ == "__main__":
    typer.echo(page(), nl=False)
