"""The page of a report: its sections, its template, its script, and how it is written."""

from __future__ import annotations
