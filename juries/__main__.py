"""`python -m juries` is the `juries` command."""

from juries.cli import main

main()
