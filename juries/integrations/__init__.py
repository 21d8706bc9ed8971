"""Juries inside other tools. Each module imports its tool, so import it by name."""
