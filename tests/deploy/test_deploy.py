"""The files in deploy/: held to their schemas, and the shard scripts run for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import juries
from juries.merging import merge

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    with (folder / "items.jsonl").open("w") as file:
        for number in range(7):
            out = {"ash": f"Yes, {number} times.", "birch": f"No, since {number} is enough."}
            file.write(json.dumps({"id": f"i{number}", "prompt": "Why?", "out": out}) + "\n")
    people = [f"{20 + n},{'left' if n % 2 else 'right'}" for n in range(20)]
    (folder / "people.csv").write_text("\n".join(["age,side", *people]))
    path = folder / "study.yaml"
    content = {
        "name": "shards",
        "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["no", "so-so", "yes"]},
        "population": {"path": "people.csv"},
        "jury": {"seats": 6},
        "scores": {"resamples": 100},
    }
    path.write_text(yaml.safe_dump(content))
    return path


def _environment(**more):
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": programs, **more}


def _check(study, parts, tmp_path):
    merged = merge(parts, out=tmp_path / "merged")
    whole = juries.run(study, out=tmp_path / "whole")
    for name in ("scores.json", "study.yaml"):
        assert (merged.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_the_slurm_array_runs(study, tmp_path):
    for task in ("1", "2"):
        subprocess.run(
            ["bash", DEPLOY / "slurm_array.sh", "--executor", "local"],
            env=_environment(
                SLURM_ARRAY_TASK_ID=task,
                SLURM_ARRAY_TASK_COUNT="1",
                STUDY=str(study),
                OUT=str(tmp_path),
                SHARDS="2",
                SLURM_CPUS_PER_TASK="1",
            ),
            check=True,
            capture_output=True,
        )
    _check(study, [tmp_path / "shard-2", tmp_path / "shard-1"], tmp_path)


def test_the_slurm_array_says_what_it_misses(tmp_path):
    done = subprocess.run(
        ["bash", DEPLOY / "slurm_array.sh"],
        env=_environment(STUDY="study.yaml", OUT=str(tmp_path)),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "SHARDS: how many tasks" in done.stderr


def _expanded(word, environment):
    """As Kubernetes puts variables into arguments."""
    return re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], word)


def _job():
    return yaml.safe_load((DEPLOY / "kubernetes_job.yaml").read_text())


def test_the_containers_command_runs(study, tmp_path):
    (container,) = _job()["spec"]["template"]["spec"]["containers"]
    for index in ("0", "1"):
        environment = {"JOB_COMPLETION_INDEX": index, "JOB_COMPLETIONS": "2"}
        said = [*container["command"], *container["args"]]
        command = [_expanded(word, environment) for word in said]
        places = {"/study/": f"{study.parent}/", "/runs/": f"{tmp_path}/"}
        for mounted, here in places.items():
            command = [word.replace(mounted, here) for word in command]
        subprocess.run(command, env=_environment(**environment), check=True, capture_output=True)
    _check(study, [tmp_path / "shard-0", tmp_path / "shard-1"], tmp_path)


def test_the_job_tells_its_pods_how_many_they_are():
    spec = _job()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told["JOB_COMPLETIONS"] == str(spec["completions"])
    assert spec["completionMode"] == "Indexed"
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["template"]["spec"]["volumes"]}


def _unknown(client, kind, value, where):
    """Keys of a manifest that the client's types do not know, by path."""
    listed = re.fullmatch(r"list\[(.+)\]", kind)
    mapped = re.fullmatch(r"dict\((?:str, )(.+)\)|dict\[str, (.+)\]", kind)
    if listed:
        assert isinstance(value, list), where
        return [
            u for n, v in enumerate(value) for u in _unknown(client, listed[1], v, f"{where}[{n}]")
        ]
    if mapped:
        inner = mapped[1] or mapped[2]
        return [u for k, v in value.items() for u in _unknown(client, inner, v, f"{where}.{k}")]
    model = getattr(client, kind, None)
    if model is None:
        primitives = {"str": str, "int": int, "bool": bool}
        assert isinstance(value, primitives.get(kind, object)), (where, kind, value)
        return []
    names = {shown: name for name, shown in model.attribute_map.items()}
    found = [f"{where}.{key}" for key in value if key not in names]
    for key, inner in value.items():
        if key in names:
            found += _unknown(client, model.openapi_types[names[key]], inner, f"{where}.{key}")
    return found


def test_the_job_is_one_that_kubernetes_knows():
    client = pytest.importorskip("kubernetes.client")
    assert _unknown(client, "V1Job", _job(), "job") == []
    broken = _job()
    broken["spec"]["completionsMode"] = "Indexed"
    assert _unknown(client, "V1Job", broken, "job") == ["job.spec.completionsMode"]


def test_the_ray_cluster_is_one_that_ray_knows():
    ray = pytest.importorskip("ray")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(ray.__file__).parent / "autoscaler/ray-schema.json").read_text())
    cluster = yaml.safe_load((DEPLOY / "ray_cluster.yaml").read_text())
    jsonschema.validate(cluster, schema)
