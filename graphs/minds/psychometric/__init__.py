"""The embedded mind: a documented psychometric rater simulator, never evidence about people.

- `PsychometricMind`: a `Mind` that answers for a whole panel without a model or a network.
- `PsychometricSettings`: its declared parameters, the `mind:` section of a study.
- `Planted`: a group effect of known size; without one there are no group differences.
"""

from graphs.minds.psychometric.mind import PsychometricMind
from graphs.minds.psychometric.settings import (
    DEFAULT_QUALITY,
    Feature,
    Loadings,
    Planted,
    PsychometricSettings,
)

__all__ = [
    "DEFAULT_QUALITY",
    "Feature",
    "Loadings",
    "Planted",
    "PsychometricMind",
    "PsychometricSettings",
]
