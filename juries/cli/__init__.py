"""The `juries` command. Each module holds one group of commands; heavy imports wait until used."""

from juries.cli.app import main

__all__ = ["main"]
