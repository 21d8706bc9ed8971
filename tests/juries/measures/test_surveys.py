"""Readers for surveys, on tiny files written for these tests and on real ones where present."""

import json

import numpy as np
import pytest

from juries.measures.opinionqa import read_opinionqa
from juries.measures.surveys import is_refusal, read_globalopinionqa, read_mpi, read_popquorn
from personas.errors import InputError

TEA = "{'Utopia': [0.6, 0.3, 0.1], 'Erewhon': [0.2, 0.8, 0.0]}"
RAW = f"""question,selections,options,source
Is tea good?,"defaultdict(<class 'list'>, {TEA})","['Yes', 'No', 'DK/Refused']",X
,"defaultdict(<class 'list'>, {{'Utopia': [0.6, 0.4]}})","['Yes', 'No']",X
"""

INFO = """,key,question,references,option_ordinal
0,CHANGE_W1,More or fewer?,"['Increase', 'Decrease', 'About the same', 'Refused']","[1.0, 2.0, 1.5]"
1,FIELD_W1,Which field?,"['Care', 'Trade', 'Refused']","[1, 1]"
2,GONE_W1,Not asked?,"['Yes', 'No', 'Refused']","[1, 2]"
"""
METADATA = """,key,options
0,AGE,"['18-29', '30+']"
1,SEX,"['Male', 'Female']"
"""
RESPONSES = """CHANGE_W1,FIELD_W1,AGE,SEX,WEIGHT_W1
Increase,Care,18-29,Male,2.0
Decrease,,18-29,Female,1.0
Refused,Trade,30+,Female,1.0
About the same,Refused,30+,Male,0.5
"""

QUESTIONS = (
    "label_raw\ttext\tlabel_ocean\tkey\nCare\tWorry a lot\tN\t1\nTrust\tLove a fight\tA\t-1\n"
)


@pytest.fixture
def wave(tmp_path):
    for name, text in (("info", INFO), ("metadata", METADATA), ("responses", RESPONSES)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_the_raw_csv_is_read_and_rows_without_a_question_are_counted(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text(RAW)
    reference = read_globalopinionqa(path)
    (question,) = reference.questions.values()
    assert question.text == "Is tea good?"
    assert question.refusals == (False, False, True)
    assert not question.ordered
    assert reference.distributions["Erewhon"][question.id] == pytest.approx([0.2, 0.8, 0])
    assert reference.notes == ("1 rows without a question or an answer left out",)


def test_both_arrangements_give_the_same_reference(tmp_path):
    raw, flat = tmp_path / "raw.csv", tmp_path / "flat.json"
    raw.write_text(RAW)
    text = "Question: Is tea good?\nOptions: A. Yes B. No C. DK/Refused\nAnswer:"
    options = ["Yes", "No", "DK/Refused"]
    rows = [
        {"question": text, "options": options, "attribute": name, "gold_distribution": shares}
        for name, shares in (("Utopia", [0.6, 0.3, 0.1]), ("Erewhon", [0.2, 0.8, 0.0]))
    ]
    flat.write_text(json.dumps(rows))
    one, two = read_globalopinionqa(raw), read_globalopinionqa(flat)
    assert one.questions == two.questions
    for country in one.populations:
        for key, shares in one.distributions[country].items():
            assert two.distributions[country][key] == pytest.approx(shares)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{'Utopia'", "{Utopia", "no Python literal"),
        ("0.6, 0.3, 0.1", "0.6, 0.3, 0.2", "line 2.*no distribution over the options"),
        ("0.6, 0.3, 0.1", "0.6, 0.4", "3 shares that sum to 1"),
        ("selections", "selection", "no column 'options'|no column 'gold|no column"),
    ],
)
def test_faults_of_globalopinionqa_name_the_line(tmp_path, old, new, message):
    path = tmp_path / "raw.csv"
    path.write_text(RAW.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_globalopinionqa(path)


def test_a_country_that_answers_twice_is_refused(tmp_path):
    path = tmp_path / "raw.csv"
    lines = RAW.splitlines()
    path.write_text("\n".join([*lines[:2], lines[1], ""]))
    with pytest.raises(InputError, match="line 3: Utopia answers the same question twice"):
        read_globalopinionqa(path)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("DK/Refused", True),
        ("Don't know", True),
        ("Don\u2019t know/Refused", True),
        ("No answer", True),
        ("Refused", True),
        ("No", False),
        ("Don't want to help", False),
        ("Have not done", False),
    ],
)
def test_refusals_are_told_from_opinions(option, expected):
    assert is_refusal(option) is expected


def test_a_wave_is_weighted_and_split_by_groups(wave):
    reference = read_opinionqa(wave)
    overall = reference.distributions["Overall"]
    assert overall["CHANGE_W1"] == pytest.approx(np.array([2, 1, 0.5, 1]) / 4.5)
    assert overall["FIELD_W1"] == pytest.approx(np.array([2, 1, 0.5]) / 3.5)
    assert reference.distributions["AGE: 18-29"]["CHANGE_W1"] == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert reference.respondents["SEX: Female"] == {"CHANGE_W1": 2, "FIELD_W1": 1}
    assert reference.questions["CHANGE_W1"].positions == (1.0, 2.0, 1.5)
    assert reference.questions["CHANGE_W1"].refusals == (False, False, False, True)
    assert not reference.questions["FIELD_W1"].ordered
    assert reference.notes == ("1 questions of info.csv have no column of responses",)


def test_demographics_and_thin_cells_can_be_chosen(wave):
    reference = read_opinionqa(wave, demographics=["SEX"], min_respondents=2)
    assert set(reference.distributions) == {"Overall", "SEX: Male", "SEX: Female"}
    assert "FIELD_W1" not in reference.distributions["SEX: Female"]
    assert "1 cells with fewer than 2 respondents left out" in reference.notes


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("responses", "Decrease", "Decreese", "line 3: an answer to CHANGE_W1 is none of its"),
        ("responses", ",1.0\nRef", ",much\nRef", "line 3: a weight is no number"),
        ("responses", "WEIGHT_W1", "WEIGHT", "weights are not one column"),
        ("responses", "SEX", "GENDER", "no column 'SEX'"),
        ("info", "[1.0, 2.0, 1.5]", "[1, x]", "no list"),
        ("info", "[1.0, 2.0, 1.5]", "['a', 2.0, 1.5]", "does not match the references"),
        ("info", "[1.0, 2.0, 1.5]", "[1.0, 2.0, 1.5, 1, 1]", "does not match the references"),
        ("metadata", "options", "choices", "no column 'options'"),
    ],
)
def test_faults_of_a_wave_name_file_and_line(wave, name, old, new, message):
    path = wave / f"{name}.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        read_opinionqa(wave)


def test_a_missing_file_and_an_unknown_demographic_are_named(wave):
    with pytest.raises(InputError, match="no column 'RACE'"):
        read_opinionqa(wave, demographics=["RACE"])
    (wave / "metadata.csv").unlink()
    with pytest.raises(InputError, match=r"metadata\.csv: no such file"):
        read_opinionqa(wave)


def popquorn(tmp_path, rows):
    path = tmp_path / "p.csv"
    path.write_text("instance_id,user_id,text,offensiveness,gender\n" + "\n".join(rows) + "\n")
    return path


def test_popquorn_gives_a_distribution_per_text_and_group(tmp_path):
    path = popquorn(
        tmp_path, ["7,1,hi,1.0,Man", "7,2,hi,5,Woman", "7,3,hi,5,Woman", "8,1,oh,2,Man"]
    )
    reference = read_popquorn(path)
    assert reference.distributions["Woman"]["7"] == pytest.approx([0, 0, 0, 0, 1])
    assert reference.distributions["overall"]["7"] == pytest.approx([1 / 3, 0, 0, 0, 2 / 3])
    assert reference.respondents["Man"] == {"7": 1, "8": 1}
    assert reference.questions["7"].ordered


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["7,1,hi,6,Man"], "line 2: offensiveness is no rating"),
        (["7,1,hi,often,Man"], "line 2: offensiveness is no rating"),
        (["7,1,hi,1,Man", "7,1,hi,2,Man"], "line 3: rater 1 rates text 7 twice"),
    ],
)
def test_faults_of_popquorn_name_the_line(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_popquorn(popquorn(tmp_path, rows))


def test_mpi_is_aligned_by_option_and_recoded_answers_are_turned_back(tmp_path):
    (tmp_path / "q.tsv").write_text(QUESTIONS)
    (tmp_path / "r.csv").write_text("sex,i1,i2\n1,5,5\n2,5,5\n1,4,0\n")
    recoded = read_mpi(tmp_path / "q.tsv", tmp_path / "r.csv").distributions["overall"]
    assert recoded["mpi-001"] == pytest.approx([0, 0, 0, 1 / 3, 2 / 3])
    assert recoded["mpi-002"] == pytest.approx([1, 0, 0, 0, 0])  # 5 reversed: Very Inaccurate
    plain = read_mpi(tmp_path / "q.tsv", tmp_path / "r.csv", recoded=False).distributions["overall"]
    assert plain["mpi-002"] == pytest.approx([0, 0, 0, 0, 1])


def test_faults_of_mpi_are_named(tmp_path):
    (tmp_path / "q.tsv").write_text(QUESTIONS)
    (tmp_path / "r.csv").write_text("i1,\n".replace(",", "") + "5\n")
    with pytest.raises(InputError, match="1 columns; expected 2 or more"):
        read_mpi(tmp_path / "q.tsv", tmp_path / "r.csv")
    (tmp_path / "q.tsv").write_text(QUESTIONS.replace("-1", "0"))
    with pytest.raises(InputError, match="line 3: the key is neither 1 nor -1"):
        read_mpi(tmp_path / "q.tsv")


def test_the_real_inventory_has_its_120_statements(shared_data):
    reference = read_mpi(shared_data("mpi_questions.tsv"))
    assert len(reference.questions) == 120
    assert reference.populations == ()


def test_the_real_opinions_are_all_there(shared_data):
    reference = read_globalopinionqa(shared_data("globalopinionqa.json"))
    assert len(reference.questions) == 1270
    assert sum(len(answers) for answers in reference.distributions.values()) == 5752
    assert len(reference.distributions["United States"]) == 181


def test_the_real_ratings_are_all_there(shared_data):
    reference = read_popquorn(shared_data("popquorn_offensiveness.csv"))
    assert sum(reference.respondents["overall"].values()) == 13036
    assert len(reference.questions) == 1500
    assert sum(reference.respondents["Non-binary"].values()) == 350
