"""`juries.measures` as its users import it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import juries.measures

PROMISED = (
    "js_distance",
    "wasserstein_representativeness",
    "power_mean",
    "krippendorff_alpha",
    "effective_jurors",
    "hypervolume",
    "overton_coverage",
    "prompt_steerability",
    "goal_space_error",
    "grasp",
)


def test_what_is_listed_is_what_is_there() -> None:
    assert set(PROMISED) <= set(juries.measures.__all__)
    assert list(juries.measures.__all__) == sorted(juries.measures.__all__)
    for name in juries.measures.__all__:
        value = getattr(juries.measures, name)
        assert getattr(value, "__name__", name) == name
        assert "module" not in type(value).__name__, name
    with pytest.raises(AttributeError, match="no_such_measure"):
        _ = juries.measures.no_such_measure


def test_no_function_is_hidden_by_a_module_of_its_name() -> None:
    """Importing a submodule sets it on the package, over a function of the same name."""
    from importlib import import_module
    from pkgutil import iter_modules

    modules = [each.name for each in iter_modules(juries.measures.__path__)]
    for name in modules:
        import_module(f"juries.measures.{name}")
    assert not set(modules) & set(juries.measures.__all__)
    assert callable(juries.measures.grasp)


def test_importing_the_measures_loads_no_heavy_library() -> None:
    said = (
        "import sys, juries.measures; print(*{'scipy', 'polars', 'langgraph'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def test_the_promised_figures() -> None:
    measures = juries.measures
    assert measures.js_distance([0.5, 0.5], [1.0, 0.0], base=2) == pytest.approx(0.5579, abs=1e-4)
    assert measures.power_mean([1, 1, 0.25], 0.0) == pytest.approx(0.63, abs=1e-4)
    assert measures.power_mean(np.array([[1, 1, 0.25]]), -1, axis=1) == pytest.approx(0.5)
    assert measures.wasserstein_representativeness([1, 0, 0], [0, 0, 1]) == pytest.approx(0.0)
    assert measures.hypervolume([[0.5, 0.5]], [0, 0], maximise=True) == pytest.approx(0.25)
    assert measures.krippendorff_alpha([[1, 2, 3], [1, 2, 3.0]], level="ordinal").alpha == 1
