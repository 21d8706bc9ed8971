"""Importers, on tiny tables with the columns of the real ones, and on the real ones beside us."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from personas.errors import InputError
from personas.importers import FORMATS, load_population
from personas.persona import SchwartzValue


def _jsonl(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_takes_every_column_and_types_numbers(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "p.csv",
        "who,age,score,zip,mixed,sex\na,34,1.5,02139,3,f\nb,51,2,10001,x,NA\nc,,3,94110,4,\n",
    )
    population = load_population(path, columns={"id": "who"})
    first, second, third = population.personas
    assert dict(first.attributes) == {
        "age": 34, "score": 1.5, "zip": "02139", "mixed": "3", "sex": "f",
    }  # fmt: skip
    assert second.attributes["mixed"] == "x"
    assert "sex" not in second.attributes
    assert "age" not in third.attributes
    assert [p.source_id for p in population.personas] == ["a", "b", "c"]
    assert population.provenance.source == "p.csv"


def test_a_column_map_renames_and_reads_values_and_weights(tmp_path: Path) -> None:
    path = _csv(tmp_path / "p.csv", "g,ben,pow,bio,w\nf,5,1,likes tea,2\nm,,3,,6\n")
    population = load_population(
        path,
        columns={
            "attributes": {"gender": "g"},
            "values": {"benevolence": "ben", "power": "pow"},
            "narrative": "bio",
            "weight": "w",
        },
    )
    first, second = population.personas
    assert dict(first.attributes) == {"gender": "f"}
    assert first.values == {SchwartzValue.BENEVOLENCE: 5.0, SchwartzValue.POWER: 1.0}
    assert second.values == {SchwartzValue.POWER: 3.0}  # not answered is unknown, not zero
    assert first.narrative == "likes tea"
    assert second.narrative is None
    assert population.weights.tolist() == [0.25, 0.75]
    assert population.provenance.weighting == "column 'w'"


def test_parquet_and_jsonl_agree(tmp_path: Path) -> None:
    rows = [{"age": 3, "sex": None, "x": "a"}, {"age": 5, "sex": "m", "x": "b"}]
    pl.DataFrame(rows).write_parquet(tmp_path / "p.parquet")
    _jsonl(tmp_path / "p.jsonl", *rows)
    assert (
        load_population(tmp_path / "p.parquet").personas
        == load_population(tmp_path / "p.jsonl").personas
    )


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("nan", "must hold a number but is empty"),
        ("", "must hold a number but is empty"),
        ("many", "must hold a number; found 'many'"),
        ("-2", "a weight cannot be used; found -2"),
        ("inf", "a weight cannot be used; found inf"),
    ],
)
def test_an_unusable_weight_names_file_and_line(tmp_path: Path, weight: str, message: str) -> None:
    path = _csv(tmp_path / "p.csv", f"a,w\n1,1\n\n2,{weight}\n")
    with pytest.raises(InputError, match=rf"line 4: .*{message}") as caught:
        load_population(path, columns={"weight": "w"})
    assert "p.csv" in str(caught.value)


def test_unknown_names_are_told_with_the_nearest(tmp_path: Path) -> None:
    path = _csv(tmp_path / "p.csv", "age,sex\n1,f\n")
    with pytest.raises(InputError, match="Did you mean 'prism'"):
        load_population(path, format="prsm")
    with pytest.raises(InputError, match=r"no column 'sx'.*Did you mean 'sex'"):
        load_population(path, columns={"attributes": ["sx"]})
    with pytest.raises(InputError, match="Did you mean 'attributes'"):
        load_population(path, columns={"attribute": ["sex"]})
    with pytest.raises(InputError, match="values"):
        load_population(path, columns={"values": {"kindness": "age"}})
    sparse = _jsonl(tmp_path / "p.jsonl", {"age": 1}, {"age": 2, "sex": "f"})
    assert len(load_population(sparse, columns={"attributes": ["age", "sex"]})) == 2
    with pytest.raises(InputError, match="no column 'sx'"):
        load_population(sparse, columns={"attributes": ["age", "sx"]})


def test_rows_that_make_no_person_and_repeated_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: a persona needs at least one"):
        load_population(_csv(tmp_path / "p.csv", "a,b\n1,2\n,NA\n"))
    with pytest.raises(InputError, match=r"line 4: the id 'x' stands already in row 2"):
        load_population(_csv(tmp_path / "q.csv", "i,b\nx,1\ny,1\nx,3\n"), columns={"id": "i"})


def test_nemotron_lists_are_parsed_and_nothing_is_evaluated(tmp_path: Path) -> None:
    row = {
        "uuid": "u1",
        "persona": "A cook who sings.",
        "professional_persona": "unused",
        "sex": "Female",
        "age": 41,
        "marital_status": "divorced",
        "education_level": "bachelors",
        "bachelors_field": None,
        "occupation": "cook",
        "city": "X",
        "state": "TX",
        "zipcode": "00123",
        "country": "USA",
        "skills_and_expertise_list": "['knife work', \"chef's sauces\"]",
        "hobbies_and_interests_list": "__import__('os').system('true')",
    }
    pl.DataFrame([row, {**row, "uuid": "u2", "age": 50}]).write_parquet(tmp_path / "n.parquet")
    population = load_population(tmp_path / "n.parquet", format="nemotron")
    first = population.personas[0]
    assert first.source_id == "u1"
    assert first.narrative == "A cook who sings."
    assert first.attributes["age"] == 41
    assert first.attributes["zipcode"] == "00123"
    assert first.attributes["skills"] == "knife work; chef's sauces"
    assert first.attributes["hobbies"] == "__import__('os').system('true')"
    assert "bachelors_field" not in first.attributes
    assert "professional_persona" not in first.attributes
    assert population.provenance.licence == "CC-BY-4.0"
    other = load_population(
        tmp_path / "n.parquet", format="nemotron", columns={"narrative": "professional_persona"}
    )
    assert other.personas[0].narrative == "unused"


def test_personahub_personas_and_task_files(tmp_path: Path) -> None:
    plain = _jsonl(tmp_path / "p.jsonl", {"persona": "A judge."}, {"persona": "A poet."})
    population = load_population(plain, format="personahub")
    assert [p.narrative for p in population.personas] == ["A judge.", "A poet."]
    assert all(not p.attributes for p in population.personas)
    task = _jsonl(
        tmp_path / "t.jsonl",
        {"input persona": "A judge.", "synthesized text": "q", "description": "d"},
    )
    assert load_population(task, format="personahub").personas[0].narrative == "A judge."


PRISM_ROW = {
    "user_id": "user7",
    "self_description": "I garden.",
    "system_string": "be brief",
    "age": "25-34 years old",
    "gender": "Female",
    "employment_status": "Working full-time",
    "education": "Prefer not to say",
    "marital_status": "Never been married",
    "english_proficiency": "Fluent",
    "religion": {
        "self_described": "none",
        "categorised": "Non-religious",
        "simplified": "No Affiliation",
    },
    "ethnicity": {"self_described": "white", "categorised": "White", "simplified": "White"},
    "location": {
        "birth_country": "Chile",
        "reside_country": "Spain",
        "same_birth_reside_country": "No",
    },
    "stated_prefs": {"values": 70, "creativity": 10},
    "study_locale": "spain",
}


def test_prism_dicts_are_flattened_and_stated_preferences_are_no_values(tmp_path: Path) -> None:
    path = _jsonl(tmp_path / "s.jsonl", PRISM_ROW)
    population = load_population(path, format="prism")
    person = population.personas[0]
    assert dict(person.attributes) == {
        "age": "25-34 years old",
        "gender": "Female",
        "employment_status": "Working full-time",
        "marital_status": "Never been married",
        "english_proficiency": "Fluent",
        "religion": "No Affiliation",
        "ethnicity": "White",
        "birth_country": "Chile",
        "reside_country": "Spain",
    }
    assert person.narrative == "I garden."
    assert person.values is None
    chosen = load_population(
        path,
        format="prism",
        columns={"attributes": ["stated_prefs_values", "religion_categorised"]},
    ).personas[0]
    assert dict(chosen.attributes) == {
        "stated_prefs_values": 70,
        "religion_categorised": "Non-religious",
    }


def test_raters_are_told_apart_and_merged(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "r.csv",
        "item,rater,sex,age,score\n1,a,f,30,5\n1,b,m,40,1\n2,a,f,,4\n2,b,,40,2\n3,c,f,20,2\n",
    )
    columns = {"id": "rater", "attributes": ["sex", "age"]}
    population = load_population(path, format="raters", columns=columns)
    assert [p.source_id for p in population.personas] == ["a", "b", "c"]
    assert [dict(p.attributes) for p in population.personas] == [
        {"sex": "f", "age": 30}, {"sex": "m", "age": 40}, {"sex": "f", "age": 20},
    ]  # fmt: skip
    with pytest.raises(InputError, match="needs `columns`"):
        load_population(path, format="raters")


def test_a_rater_with_two_ages_is_refused(tmp_path: Path) -> None:
    path = _csv(tmp_path / "r.csv", "rater,age\na,30\nb,20\na,31\n")
    with pytest.raises(InputError, match=r"line 4: the rater 'a' has another 'age' than in row 2"):
        load_population(path, format="raters", columns={"id": "rater", "attributes": ["age"]})


def test_dices_columns(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "d.csv",
        "rater_id,rater_gender,rater_race,rater_raw_race,rater_age,rater_education,item_id\n"
        "1,Woman,White,White,gen x,College degree,5\n1,Woman,White,White,gen x,College degree,6\n",
    )
    population = load_population(path, format="dices")
    assert len(population) == 1
    assert set(population.personas[0].attributes) == {"gender", "race", "age", "education"}


def test_every_format_states_its_source() -> None:
    assert all(form.source and form.name == name for name, form in FORMATS.items())


def test_gss_respondents(shared_data: Callable[[str], Path]) -> None:
    population = load_population(shared_data("gss_personas.jsonl"), format="gss")
    assert len(population) == 3505
    sex = population.column("sex")
    assert set(sex.levels) == {"Male", "Female"}
    assert int((sex.codes == sex.levels.index("Female")).sum()) == 1882
    assert isinstance(population.personas[0].attributes["age"], int)
    assert "id" not in population.attributes
    # "None" is an answer (no religion), not a missing one.
    assert "None" in population.column("religion").levels


def test_popquorn_raters(shared_data: Callable[[str], Path]) -> None:
    population = load_population(shared_data("popquorn_offensiveness.csv"), format="popquorn")
    assert len(population) == 262
    assert len({p.source_id for p in population.personas}) == 262
    assert set(population.attributes) == {"gender", "race", "age", "occupation", "education"}


def test_limit_reads_that_many_rows(shared_data: Callable[[str], Path]) -> None:
    assert len(load_population(shared_data("gss_personas.jsonl"), format="gss", limit=10)) == 10
