"""What a study may say of a language model, and what it may not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from graphs.llm.keys import resolve_key
from graphs.llm.prompts import FIELDS, load_prompts
from graphs.llm.settings import EndpointSettings, LlmSettings, ServeSettings
from personas.errors import InputError


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""},
        {"elicitation": "probabilities", "reason": "before"},
        {"elicitation": "probabilities", "thinking": 100},
        {"elicitation": "sampled", "reason": "after"},
        {"min_label_mass": 1.5},
        {"draws": 0},
        {"temperature": float("nan")},
        {"unknown": 1},
        {"endpoints": ({"base_url": "http://x/v1"},), "serve": {}},
        {"price": {"input_per_million": 1, "output_per_million": 1}, "gpu": {"per_gpu_hour": 1}},
        {"endpoints": ({"base_url": "ftp://x"},)},
        {"endpoints": ({"base_url": "http://me:secret@x/v1"},)},
        {"endpoints": ({"base_url": "http://x/v1?api_key=secret"},)},
        {"endpoints": ({"base_url": "http://x/v1", "api_key": "secret"},)},
        {"endpoints": ({"base_url": "http://x", "api_key_env": "A", "api_key_file": "b"},)},
        {"serve": {"env": {"HF_TOKEN": "secret"}}},
        {"serve": {"args": ["--api-key=secret"]}},
        {"serve": {"args": ["--hf-token", "secret"]}},
    ],
)
def test_settings_that_are_refused(wrong):
    with pytest.raises(ValidationError):
        LlmSettings.model_validate({"model": "m", **wrong})


def test_identity_holds_what_changes_answers_and_nothing_else():
    here = LlmSettings(model="m", endpoints=(EndpointSettings(base_url="http://a/v1"),))
    there = LlmSettings(
        model="m",
        endpoints=(EndpointSettings(base_url="http://b/v1", api_key_env="KEY"),),
        panel_batch=0,
        limits={"call_s": 5},
    )
    served = LlmSettings(model="m", serve=ServeSettings())
    assert here.identity() == there.identity() == served.identity()
    for change in (
        {"layout": "persona-first"}, {"elicitation": "sampled"}, {"min_label_mass": 0.1},
        {"temperature": 0.5}, {"reason": "separate"}, {"option_order": "as-written"},
        {"point": "mode"}, {"model": "n"}, {"special_tokens": ["x"]}, {"max_item_chars": 500},
    ):  # fmt: skip
        assert LlmSettings.model_validate({"model": "m", **change}).identity() != here.identity()


def test_prompts_have_a_version_by_content_and_may_be_replaced(tmp_path):
    shipped = load_prompts()
    assert shipped.version == load_prompts().version
    (tmp_path / "reason.txt").write_text("Why, in ten words?")
    own = load_prompts(tmp_path)
    assert own.version != shipped.version
    assert own.fill("reason") == "Why, in ten words?"
    assert own.fill("frame") == shipped.fill("frame")
    one = LlmSettings(model="m").identity()
    assert LlmSettings(model="m", prompts=tmp_path).identity() != one


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("persona.txt", "You are someone.", r"\$portrait"),
        ("persona.txt", "$portrait $more", r"\$more"),
        ("reason.txt", "It costs $ 5", "alone"),
        ("persn.txt", "x", "persona"),
    ],
)
def test_prompts_that_cannot_be_used(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        load_prompts(tmp_path)


def test_every_shipped_prompt_holds_its_fields():
    prompts = load_prompts()
    for name, fields in FIELDS.items():
        filled = prompts.fill(name, **{field: f"<{field}>" for field in fields})
        assert all(f"<{field}>" in filled for field in fields)
        assert "$" not in filled


def test_keys_come_from_the_environment_or_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("A_KEY", "sk-planted")
    (tmp_path / "key").write_text("sk-filed\n")
    by_env = resolve_key(EndpointSettings(base_url="http://x", api_key_env="A_KEY"))
    by_file = resolve_key(EndpointSettings(base_url="http://x", api_key_file=tmp_path / "key"))
    assert by_env is not None
    assert by_file is not None
    assert (by_env.get_secret_value(), by_file.get_secret_value()) == ("sk-planted", "sk-filed")
    assert resolve_key(EndpointSettings(base_url="http://x")) is None


def test_keys_that_are_not_there_are_named_not_shown(monkeypatch, tmp_path):
    monkeypatch.delenv("A_KEY", raising=False)
    with pytest.raises(InputError, match="A_KEY is not set"):
        resolve_key(EndpointSettings(base_url="http://x", api_key_env="A_KEY"))
    with pytest.raises(InputError, match="cannot be read"):
        resolve_key(EndpointSettings(base_url="http://x", api_key_file=tmp_path / "none"))
    (tmp_path / "two").write_text("sk-one\nsk-two\n")
    with pytest.raises(InputError, match="one line") as caught:
        resolve_key(EndpointSettings(base_url="http://x", api_key_file=tmp_path / "two"))
    assert "sk-" not in str(caught.value)
