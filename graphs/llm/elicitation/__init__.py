"""The ways to ask a language model for a rating.

- `probabilities`: one token, and the exact probability of every label.
- `structured`: a JSON reply with the rating and a reason; several criteria in one.
- `sampled`: plain replies, drawn several times.

Each takes conversations (`Put`) and gives rows: one for every question, whatever became of it.
"""
