"""What a run with deliberation concludes beside its scores.

- `evidence`: ballots round by round as arrays, with talk and without.
- `concluding`: what talk changed, who dissents, what the verdicts are; `results` is its form.
- `transcript`: one item's deliberation to read from start to end.
"""
