"""Jurors hear one another, then vote again in private.

- `spec`: the `deliberation` section of a study: protocol, topology, rounds, stop rules, control.
- `build`: the LangGraph workflow of each protocol; `nodes` are its plain async functions.
- `plan`: who hears whom, who speaks when and under which name, drawn from the study's seed.
- `floor`: everything said and voted on one item so far, filled from the ledger on resuming.
"""
