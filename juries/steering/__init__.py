"""The stress test of steerability: can a model be steered to a perspective, and how far.

- `spec`: the study file of `juries steer-test`.
- `conditions`: the grid of conversations that steer, and do not.
- `testing`: asks the subject, has a blind jury judge fidelity, and concludes.
- `analysis`: curves, asymmetry, drift, robustness, side effects, with intervals.
"""
