"""People's answers read back from annotation tools and published data, matched to a study.

- `read_human(path, source, target)`: one typed table, `HumanRatings`, whatever the file.
- Bad rows are counted and named in `HumanRatings.problems`; what would mislead is refused.
"""

from juries.human.matching import Target
from juries.human.ratings import HumanRatings
from juries.human.raw import Problem
from juries.human.reading import SOURCES, Source, read_human

__all__ = ["SOURCES", "HumanRatings", "Problem", "Source", "Target", "read_human"]
