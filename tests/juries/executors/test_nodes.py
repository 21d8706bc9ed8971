"""A Ray cluster of two nodes on this machine, one of which goes away."""

from __future__ import annotations

import os

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]


@pytest.fixture
def cluster():
    """Two nodes of one core each; the driver joins at the first."""
    if not os.environ.get("JURIES_REQUIRE_RAY"):
        pytest.importorskip("ray")
    import ray
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.second = made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_removed_loses_nothing(cluster, small_study, rated, rows, watcher, tmp_path):
    study = small_study(items=2000)
    here = rated(study, tmp_path / "here")
    # The node goes without a word, with one of two workers and a core that nobody replaces.
    watch = watcher(lambda: cluster.remove_node(cluster.second, allow_graceful=False))
    there = rated(study, tmp_path / "there", "ray", progress=watch)
    assert watch.act is None
    assert any("was lost" in said for said in watch.said)
    assert there.record.complete
    assert watch.answered == 2000 * 30
    assert rows(there) == rows(here)
