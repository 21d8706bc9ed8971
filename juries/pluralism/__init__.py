"""The six measures of arXiv 2402.05070 and the validity table, taken of a run.

- `evidence.Evidence` is what they are taken from: verdicts, jurors, items, and the ledger.
- `six.six_measures(evidence)` takes all six; what a run lacks for one is said, with how to add it.
- `validity.validity_table(evidence)` says how far to believe them.

The statistics themselves are in `juries.measures`: arrays in, frozen results out.
"""
