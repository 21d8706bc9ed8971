"""Steering vectors: the planted direction is recovered, saved, refused elsewhere, and steers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import juries
from juries.targets.evidence import evidence
from juries.targets.pairs import PairSettings
from juries.targets.preferences import preference_pairs
from juries.targets.provenance import Provenance
from personas.errors import InputError

GOOD, BAD, OTHER = ([f"{kind}{n}" for n in range(40)] for kind in ("good", "bad", "word"))
ORIGIN = Provenance(
    target="preferences",
    study="test",
    fingerprint="0",
    hashes={},
    minds=(),
    jurors=1,
    items=30,
    complete=True,
    answered=1.0,
    welfare="power:1",
)


def text(rng: np.random.Generator, words: list[str]) -> str:
    return " ".join(rng.choice([*words, *OTHER], size=int(rng.integers(10, 25))))


@pytest.fixture
def found(torch: Any, checkpoint: Path) -> tuple[Any, Any]:
    from juries.targets.vectors.finding import Contrast, find_vector
    from juries.targets.vectors.model import load_model

    rng = np.random.default_rng(1)
    pairs = [
        Contrast(item=n, prompt=text(rng, []), better=text(rng, GOOD), worse=text(rng, BAD))
        for n in range(30)
    ]
    model = load_model(checkpoint, device="cpu")
    return model, find_vector(model, pairs, ORIGIN)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_planted_direction_is_recovered(found: tuple[Any, Any], planted: np.ndarray) -> None:
    _, vector = found
    assert cosine(vector.vectors[vector.layer].numpy(), planted) >= 0.9
    assert vector.accuracy.value == 1.0
    assert vector.separation[vector.layer] == np.nanmax(vector.separation)
    assert vector.trained_on == 21
    assert vector.provenance.target == "vectors"


def test_nothing_is_found_where_nothing_differs(torch: Any, checkpoint: Path) -> None:
    from juries.targets.vectors.finding import Contrast, find_vector
    from juries.targets.vectors.model import load_model

    rng = np.random.default_rng(2)
    pairs = [
        Contrast(item=n, prompt=text(rng, []), better=text(rng, []), worse=text(rng, []))
        for n in range(60)
    ]
    vector = find_vector(load_model(checkpoint, device="cpu"), pairs, ORIGIN)
    assert vector.separation.max() < 0.8


def test_batches_and_padding_change_nothing(torch: Any, checkpoint: Path) -> None:
    from juries.targets.vectors.finding import Contrast, VectorSettings, find_vector
    from juries.targets.vectors.model import load_model

    rng = np.random.default_rng(3)
    pairs = [
        Contrast(item=n, prompt=text(rng, []), better=text(rng, GOOD), worse=text(rng, BAD))
        for n in range(8)
    ]
    model = load_model(checkpoint, device="cpu")
    one = find_vector(model, pairs, ORIGIN, VectorSettings(batch_size=1))
    many = find_vector(model, pairs, ORIGIN, VectorSettings(batch_size=16))
    np.testing.assert_allclose(one.vectors.numpy(), many.vectors.numpy(), atol=1e-5)
    short = find_vector(model, pairs, ORIGIN, VectorSettings(max_tokens=20))
    assert short.truncated > 0


def test_means_are_over_the_tokens_of_the_response(torch: Any, checkpoint: Path) -> None:
    """Against a plain loop: activations of each layer, no padding, prompt left out."""
    from juries.targets.vectors.finding import Contrast, VectorSettings, find_vector
    from juries.targets.vectors.model import load_model

    rng = np.random.default_rng(4)
    pairs = [
        Contrast(item=n, prompt=text(rng, []), better=text(rng, GOOD), worse=text(rng, BAD))
        for n in range(6)
    ]
    model = load_model(checkpoint, device="cpu")
    vector = find_vector(model, pairs, ORIGIN, VectorSettings(seed=5))
    by_items: dict[tuple[int, ...], np.ndarray] = {}

    def mean(prompt: str, response: str) -> np.ndarray:
        start = len(model.tokenizer(model.opening(prompt))["input_ids"])
        ids = model.tokenizer(model.opening(prompt) + response, return_tensors="pt")["input_ids"]
        seen: list[Any] = []
        hooks = [
            layer.register_forward_hook(
                lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out)
            )
            for layer in model.layers
        ]
        with torch.inference_mode():
            model.network(input_ids=ids)
        for hook in hooks:
            hook.remove()
        return np.stack([each[0, start:].mean(dim=0).numpy() for each in seen])

    differences = [mean(p.prompt, p.better) - mean(p.prompt, p.worse) for p in pairs]
    from itertools import combinations

    for training in combinations(range(6), vector.trained_on):
        by_items[training] = np.mean([differences[n] for n in training], axis=0)
    closest = min(np.abs(each - vector.vectors.numpy()).max() for each in by_items.values())
    assert closest < 1e-5


def test_steering_adds_the_vector_and_only_inside_the_block(
    torch: Any, found: tuple[Any, Any], planted: np.ndarray
) -> None:
    from juries.targets.vectors.steering import steered

    model, vector = found
    ids = model.tokenizer("word1 word2 word3", return_tensors="pt")["input_ids"]
    seen: list[Any] = []
    layer = model.layers[vector.layer]

    def run() -> tuple[np.ndarray, np.ndarray]:
        seen.clear()
        hook = layer.register_forward_hook(
            lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out)
        )
        with torch.inference_mode():
            logits = model.network(input_ids=ids).logits
        hook.remove()
        return seen[0][0].numpy(), logits.numpy()

    before, plain = run()
    with steered(model, vector, strength=2.0):
        during, pushed = run()
    after, again = run()
    shift = 2.0 * vector.vectors[vector.layer].numpy()
    np.testing.assert_allclose(during - before, np.tile(shift, (3, 1)), atol=1e-4)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(plain, again)
    assert np.abs(pushed - plain).max() > 1e-3


def test_a_hook_is_removed_after_an_error(torch: Any, found: tuple[Any, Any]) -> None:
    from juries.targets.vectors.steering import steered

    model, vector = found
    with pytest.raises(RuntimeError), steered(model, vector):
        raise RuntimeError
    assert not any(layer._forward_hooks for layer in model.layers)


def test_saved_vectors_come_back_with_a_card(found: tuple[Any, Any], tmp_path: Path) -> None:
    from juries.targets.vectors.file import load_vector, save_vector

    model, vector = found
    card = save_vector(vector, tmp_path / "v.safetensors")
    again = load_vector(tmp_path / "v.safetensors", model)
    np.testing.assert_array_equal(again.vectors.numpy(), vector.vectors.numpy())
    np.testing.assert_array_equal(again.separation, vector.separation)
    assert (again.layer, again.accuracy, again.provenance) == (
        vector.layer,
        vector.accuracy,
        vector.provenance,
    )
    said = card.read_text()
    assert "not calibrated against people" in said
    assert vector.fingerprint in said
    assert not list(tmp_path.glob("*.part"))


def test_what_does_not_fit_is_refused(
    found: tuple[Any, Any], make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    from juries.targets.vectors.file import load_vector, save_vector
    from juries.targets.vectors.finding import Contrast, find_vector
    from juries.targets.vectors.model import load_model
    from juries.targets.vectors.steering import steered

    model, vector = found
    save_vector(vector, tmp_path / "v.safetensors")
    other = load_model(make_checkpoint(tmp_path / "other", seed=9), device="cpu")
    with pytest.raises(InputError, match="belong to another model"):
        load_vector(tmp_path / "v.safetensors", other)
    with (
        pytest.raises(InputError, match=r"there is no layer 4.*0 to 3"),
        steered(model, vector, layer=4),
    ):
        pass
    with pytest.raises(InputError, match="no such file"):
        load_vector(tmp_path / "none.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"not tensors at all")
    with pytest.raises(InputError, match="not a safetensors file"):
        load_vector(tmp_path / "junk.safetensors")
    save_file({"vectors": vector.vectors}, tmp_path / "plain.safetensors")
    with pytest.raises(InputError, match="holds no steering vector"):
        load_vector(tmp_path / "plain.safetensors")
    with pytest.raises(InputError, match="saved as safetensors"):
        save_vector(vector, tmp_path / "v.bin")
    few = [Contrast(item=n, prompt="word1", better="good1", worse="bad1") for n in range(3)]
    with pytest.raises(InputError, match="3 items have a contrast"):
        find_vector(model, few, ORIGIN)
    with pytest.raises(InputError, match="no causal model"):
        load_model(tmp_path)


def test_contrasts_come_from_verdicts(torch: Any, demo_run: juries.Run) -> None:
    from juries.targets.vectors.finding import contrasts, group_contrasts

    known = evidence(demo_run)
    (jury,) = preference_pairs(known, PairSettings())
    made = contrasts(jury, known.items)
    assert len(made) == 24
    assert made[0].better == known.text(known.models.index(jury.pairs[0].chosen), 0)
    first, second = preference_pairs(known, PairSettings(), by="outlook")
    between = group_contrasts(first, second, known.items)
    assert len(between) >= 20
    one = between[0]
    assert one.better == known.text(known.models.index("one-sided"), one.item)


def test_a_jury_sees_the_effect(torch: Any, found: tuple[Any, Any], demo_run: juries.Run) -> None:
    """Texts with known merit stand in for the generated ones; then the real ones are judged too."""
    import asyncio

    from juries.bench import open_jury
    from juries.targets.vectors.effect import (
        CONDITIONS,
        Generated,
        generate_conditions,
        judge_effect,
    )

    model, vector = found
    items = demo_run.directory.read_items()[:6]
    answers = [{r.model: r.text for r in item.responses} for item in items]
    planted = [
        Generated(
            prompt=item.prompt,
            texts={
                "unsteered": said["evasive"],
                "steered": said["plural"],
                "opposed": said["evasive"],
                "random": said["evasive"],
            },
        )
        for item, said in zip(items, answers, strict=True)
    ]
    real = generate_conditions(
        model, vector, ["word1 word2", "word3"], max_new_tokens=6, strength=4
    )
    assert [set(each.texts) for each in real] == [set(CONDITIONS)] * 2
    assert any(each.texts["steered"] != each.texts["unsteered"] for each in real)

    async def judge() -> tuple[Any, Any]:
        async with open_jury(demo_run.study, Path()) as jury:
            known = await judge_effect(planted, jury, layer=0, strength=1.0, resamples=200)
            noise = await judge_effect(real, jury, layer=0, strength=1.0, resamples=200)
            return known, noise

    known, noise = asyncio.run(judge())
    assert (known.over_unsteered.low or 0) > 0.1
    assert (known.over_random.low or 0) > 0.1
    assert known.missing == 0
    assert known.judged_by.startswith("embedded rater simulator")
    assert noise.over_random.low is not None
