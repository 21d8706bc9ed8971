"""Juries of simulated people: studies, verdicts, scores."""
