"""Margins: shipped and from a user's file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from personas.errors import InputError
from personas.margins import Margin, load_margin, shipped_margins


@pytest.mark.parametrize("name", list(shipped_margins()))
def test_shipped_margins_sum_to_one_and_state_their_source(name: str) -> None:
    margin = load_margin(name)
    assert sum(margin.shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in margin.shares.values())
    assert "Census Bureau" in margin.source
    assert margin.licence
    assert {"title", "source", "year", "universe", "precision", "note"} <= set(
        shipped_margins()[name]
    )


def test_region_shares_are_the_published_counts() -> None:
    counts = {
        "Northeast": 44_429_431,
        "Midwest": 53_048_283,
        "South": 98_131_517,
        "West": 61_052_779,
    }
    assert sum(counts.values()) == 256_662_010  # the published national total
    region = load_margin("us_adults_region")
    assert dict(region.shares) == pytest.approx(
        {(name,): count / 256_662_010 for name, count in counts.items()}, abs=1e-6
    )


def test_age_sex_and_race_shares_come_from_the_joint_table(
    shared_data: Callable[[str], Path],
) -> None:
    """Without the Hispanic columns, which overlap the race columns."""
    with shared_data("us_census_age_race_sex.csv").open() as file:
        table = {row.pop("age_category"): row for row in csv.DictReader(file)}
    races = ("White", "Black", "Mixed", "Other", "Asian")
    total = sum(float(table["All Ages"][f"{r}_{s}"]) for r in races for s in ("Male", "Female"))
    age_sex = load_margin("us_adults_age_sex")
    for (band, sex), share in age_sex.shares.items():
        row = table[f"{band} years old"]
        assert share == pytest.approx(
            sum(float(row[f"{r}_{sex}"]) for r in races) / total, abs=1e-4
        )
    race = load_margin("us_adults_race")
    for level in ("White", "Black"):
        both = sum(float(table["All Ages"][f"{level}_{s}"]) for s in ("Male", "Female"))
        assert race.shares[level,] == pytest.approx(both / total, abs=1e-4)


def test_a_users_margin_with_renamed_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("gender,age,proportion\nf,young,0.2\nf,old,0.3\nm,young,0.25\nm,old,0.25\n")
    margin = load_margin(path, columns={"sex": "gender", "share": "proportion"})
    assert margin.attributes == ("sex", "age")
    assert margin.shares["f", "old"] == pytest.approx(0.3)
    assert margin.name == "m"
    with pytest.raises(InputError, match=r"no column 'share'"):
        load_margin(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,share\nx,0.5\nx,0.5\n", r"line 3: the level 'x' stands twice"),
        ("a,share\nx,0.5\ny,nan\n", r"line 3: the share cannot be used"),
        ("a,share\nx,1.5\ny,-0.5\n", r"line 3: the share cannot be used"),
        ("a,share\nx,half\ny,0.5\n", r"line 2: the share cannot be used"),
        ("a,share\nx,0.5\ny,0.4\n", r"do not sum to 1; found 0.9"),
        ("share\n0.5\n", r"no attribute column"),
    ],
)
def test_unusable_margins_name_the_row(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_margin(path)


def test_per_cents_are_recognised_as_a_mistake() -> None:
    with pytest.raises(InputError, match="Divide per cents by 100"):
        Margin.of("a", {"x": 40.0, "y": 60.0})


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'us_adults_region'"):
        load_margin("us_adult_region")


def test_collapsing_adds_shares() -> None:
    margin = Margin.of(
        ("race", "sex"),
        {("w", "f"): 0.3, ("w", "m"): 0.3, ("a", "f"): 0.1, ("a", "m"): 0.1, ("o", "f"): 0.2},
    )
    merged = margin.collapse({"a": "o"}, attribute="race")
    assert merged.shares == pytest.approx(
        {("w", "f"): 0.3, ("w", "m"): 0.3, ("o", "f"): 0.3, ("o", "m"): 0.1}
    )
    with pytest.raises(InputError, match="no level 'b'"):
        margin.collapse({"b": "o"}, attribute="race")
    with pytest.raises(InputError, match="cannot be collapsed"):
        margin.collapse({"a": "o"})
