"""What was changed by talking, and whether it was persuasion or conformity.

- `change`: where jurors stood before and after, who flipped, how mean and welfare shifted.
- `spread`: entropy, variance and two measures of polarisation, before and after.
- `conformity`: moves towards the local majority, beyond the drift of a no-talk control.
- `influence`: who moved whom, by regression on the topology.
- `minority`: the dissenting cluster and its reasons.

Positions are arrays [rounds, questions, jurors] of points 1..K (NaN or -1: no valid answer);
round 0 is the first private ballot, the last the final one. Intervals resample items, not jurors:
one item is one deliberation, and jurors who hear each other are not independent draws.
"""
