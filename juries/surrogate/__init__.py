"""A surrogate of the jurors: how each would have rated what they were not asked (extra `torch`).

In the spirit of jury learning (Gordon et al. 2022, arXiv 2202.02950): individual jurors are
modelled, not their average, so that another jury can be composed without new calls.

- `table`: recorded ratings with features of responses and jurors.
- `fitting`: `fit_surrogate(table)`, an ordinal model with calibrated probabilities.
- `filling`: missing ratings imputed, marked as such, with their uncertainty in the intervals.
- `recomposing`: the scores of a jury that did not sit.
"""
