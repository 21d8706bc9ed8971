"""Who puts the items of a run to the jury; the same study has the same ratings with each.

- `local`: one process, items side by side in an event loop.
- `processes`: one worker a core of this machine, for minds and clients faster than one core.
- `ray`: actors on the nodes of a Ray cluster (extra `[ray]`), for a model with many servers.

The driver owns the ledger. Workers are stateless: whole items go out, all their rows come back, and
what a lost worker had under way is asked again of another.
"""

from juries.executors.placement import ExecutorKind, Placement, Shard, parse_shard

__all__ = ["ExecutorKind", "Placement", "Shard", "parse_shard"]
