"""Whether what a report is made with is installed; the core works without it."""

from __future__ import annotations

from importlib.util import find_spec

from personas.errors import JuriesError

HOW = "pip install 'juries[report]'"
"""What a user is told to run."""


def report_installed() -> bool:
    """Whether charts and pages can be made here."""
    return all(find_spec(name) is not None for name in ("altair", "vl_convert"))


def require_report() -> None:
    """Raise a `JuriesError` that says what to install, unless it is."""
    if not report_installed():
        raise JuriesError(
            f"Reports and charts need altair and vl-convert-python. Install them: {HOW}"
        )
