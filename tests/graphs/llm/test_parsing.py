"""Plain and JSON replies: what names one label is read, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.llm.parsing import MOST_READ, final_text, is_refusal, one_line, read_json, read_text

NUMBERS = ("1", "2", "3", "4", "5")
POINTS = ("Very unhelpful", "Unhelpful", "Neutral", "Helpful", "Very helpful")
LETTERS = ("A", "B", "C", "D")
OPTIONS = ("yes", "no", "maybe", "a lot")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("4", 3), (" 4.\n", 3), ("**4**", 3), ("4/5", 3), ("Rating: 4", 3), ("(4)", 3),
        ("I'd rate it 4 out of 5.", 3), ("Helpful", 3), ("very helpful", 4), ("4: Helpful", 3),
        ("My rating is 4, because 3 would be harsh.", 3), ("I give 2", 1), ("Score: **4**/5", 3),
        ("The answer is: 4\n\nBecause of 12 reasons", 3), ("4 - Helpful, since it tells", 3),
    ],
)  # fmt: skip
def test_numbers_that_are_named(text, label):
    assert read_text(text, NUMBERS, POINTS) == label


@pytest.mark.parametrize(
    "text",
    [
        "", "4.5", "4,5", "3-4", "6", "0", "-3", "44", "Rating: 3 or 4", "rating: 10",
        "between 2 and 4", "50%", "Rating: 4. On second thought, rating: 2", "3/10", "1e3",
        "The weather is fine", "4 out of 10", "Rating: 4.5", "Rating: 3 to 4", "2024",
        "Helpful or Neutral", "3 or 4", "four",
    ],
)  # fmt: skip
def test_numbers_that_are_not_named_for_sure(text):
    assert read_text(text, NUMBERS, POINTS) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("B", 1), ("b", 1), ("(B)", 1), ("B) no", 1), ("I choose B.", 1), ("Answer: C", 2),
        ("yes", 0), ("A", 0), ("a lot", 3), ("Option **D**", 3), ("The answer is A", 0),
    ],
)  # fmt: skip
def test_letters_that_are_named(text, label):
    assert read_text(text, LETTERS, OPTIONS) == label


@pytest.mark.parametrize("text", ["A man walks", "I", "B or C", "A and B.", "E", "Bravo", "AB"])
def test_letters_that_are_not_named_for_sure(text):
    assert read_text(text, LETTERS, OPTIONS) is None


@given(st.integers(0, 4), st.sampled_from(["{}", " {} ", "**{}**", "{}.", "Rating: {}", "{}/5"]))
def test_every_label_is_read_in_every_usual_dress(label, dress):
    assert read_text(dress.format(NUMBERS[label]), NUMBERS, POINTS) == label


@given(st.text(max_size=400))
def test_whatever_is_read_is_a_label(text):
    assert read_text(text, NUMBERS, POINTS) in {None, *range(5)}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("5", "5"),
        ("<think>maybe 4</think> 5", "5"),
        ("maybe 4</think>5", "5"),
        ("<think>4", None),
        ("<think>a</think>3<think>", None),
        ("", None),
        (None, None),
        ("x" * (MOST_READ + 1), None),
        ("<THINKING>4</THINKING>2", "2"),
    ],
)
def test_thinking_is_never_read_as_the_answer(content, text):
    assert final_text(content) == text


def test_a_flood_of_open_tags_is_read_in_no_time():
    assert final_text("<think>" * (MOST_READ // 7)) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.", "I can\u2019t rate this.", "I cannot judge.",
        "As an AI language model, I have no opinion.", "I am unable to answer.",
        "I will not take part in this.", "I won't.", "I must decline.", "We are unable to say",
        "I'm not able to do this", "I do not feel comfortable rating this",
    ],
)  # fmt: skip
def test_refusals(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", ["4", "I can see why", "Sorry people would agree", "the weather"])
def test_no_refusals(text):
    assert not is_refusal(text)


def test_json_of_one_question_with_its_reason():
    read = read_json('{"reason": " it\\nhelps ", "rating": 4}', {"": {"4": 3}})
    assert read is not None
    assert (read[""].label, read[""].reason) == (3, "it helps")


def test_json_of_several_criteria_in_a_fence():
    reply = '```json\n{"fair": {"rating": "B"}, "kind": {"rating": "A"}}\n```'
    labels = {"A": 1, "B": 0}
    read = read_json(reply, {"fair": labels, "kind": labels})
    assert read is not None
    assert (read["fair"].label, read["kind"].label) == (0, 1)


@pytest.mark.parametrize(
    "reply",
    [
        "", "4", "[4]", "null", '{"rating": 4', '{"rating": 4.0}', '{"rating": true}',
        '{"rating": 6}', '{"rating": null}', '{"rating": [4]}', '{"rating": {"rating": 4}}',
        '{"rating": 1, "rating": 4}', '{"Rating": 4}', '{"rating": "four"}', '{"rating": NaN}',
        "[" * 20_000, '{"a":' * 20_000,
    ],
)  # fmt: skip
def test_json_that_is_no_answer(reply):
    assert read_json(reply, {"": {"4": 3, "1": 0}}) is None


def test_one_criterion_missing_spoils_the_reply():
    labels = {"4": 3}
    assert read_json('{"fair": {"rating": 4}}', {"fair": labels, "kind": labels}) is None


def test_control_characters_in_strings_are_read_and_not_kept():
    """Constrained decoders let them through; a terminal must not."""
    read = read_json('{"reason": "a\x1b[2Jb\x00", "rating": 4}', {"": {"4": 3}})
    assert read is not None
    assert read[""].reason == "a [2Jb"


@given(st.text(max_size=5000))
def test_reasons_are_one_printable_line(text):
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 2000
    json.dumps(line).encode()
