"""Every chart of a report as a function from results to a `Figure` that holds an Altair chart."""

from __future__ import annotations
