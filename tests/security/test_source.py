"""What the code never does, held by reading it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from juries.runs import default_folder, load_study

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("juries", "graphs", "personas", "benchmarks", "examples")
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
ARCHIVES = {"tarfile", "zipfile"}
UNSAFE_CALLS = {
    "eval",
    "exec",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "os.popen",
    "shutil.unpack_archive",
    "numpy.load",
    "np.load",
    "torch.load",
}


def trees() -> Iterator[tuple[Path, ast.AST]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.split(".")[0]}
    return set()


def test_nothing_is_unpickled_or_unpacked() -> None:
    found = [
        (str(path), node.lineno, name)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node) & (UNSAFE_MODULES | ARCHIVES)
    ]
    assert found == []


def test_nothing_that_was_read_is_run() -> None:
    found = [
        (str(path), node.lineno, name)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in UNSAFE_CALLS
    ]
    shells = [
        (str(path), node.lineno, "shell=True")
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "shell"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]
    assert found + shells == []


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "..", "~/x"])
def test_a_studys_name_makes_no_path_outside_runs(name, tmp_path) -> None:
    study, _ = load_study(
        {
            "name": name,
            "items": {"path": "items.jsonl", "prompt": "prompt", "responses": "out"},
            "scale": {"kind": "likert", "question": "Good?", "points": ["no", "yes"]},
            "population": {"path": "people.csv"},
        }
    )
    folder = default_folder(study)
    assert folder.parent == Path("runs")
    assert ".." not in folder.parts


def test_yaml_that_names_python_objects_is_refused(tmp_path) -> None:
    path = tmp_path / "study.yaml"
    mark = tmp_path / "ran"
    path.write_text(f"name: !!python/object/apply:os.mkdir ['{mark}']\n")
    with pytest.raises(Exception, match=r"study\.yaml"):
        load_study(path)
    assert not mark.exists()
