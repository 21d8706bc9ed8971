"""A tiny random Llama with a direction planted in its embeddings, made here."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GOOD = [f"good{n}" for n in range(40)]
BAD = [f"bad{n}" for n in range(40)]
OTHER = [f"word{n}" for n in range(80)]
WIDTH, LAYERS = 64, 4


@pytest.fixture(scope="session")
def torch() -> Any:
    """Torch, or a skip that says why; JURIES_REQUIRE_TORCH=1 makes its absence a failure."""
    missing = [
        n for n in ("torch", "transformers", "safetensors") if not importlib.util.find_spec(n)
    ]
    if missing:
        said = f"the extra `torch` is not installed ({', '.join(missing)} missing)"
        if os.environ.get("JURIES_REQUIRE_TORCH") == "1":
            pytest.fail(said)
        pytest.skip(said)
    import torch

    return torch


@pytest.fixture(scope="session")
def planted() -> np.ndarray:
    """The direction in which good and bad words differ, of unit length."""
    direction = np.random.default_rng(8).standard_normal(WIDTH)
    return direction / np.linalg.norm(direction)


@pytest.fixture(scope="session")
def make_checkpoint(torch: Any, planted: np.ndarray) -> Callable[..., Path]:
    """Save a random Llama whose good words lie along the direction and bad words against it."""

    def make(
        folder: Path,
        *,
        seed: int = 0,
        size: float = 0.5,
        good: Sequence[str] = GOOD,
        bad: Sequence[str] = BAD,
        tied: bool = False,
    ) -> Path:
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from tokenizers.pre_tokenizers import Whitespace
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        words = ["<pad>", "<eos>", "<unk>", *good, *bad, *OTHER]
        vocabulary = {word: at for at, word in enumerate(words)}
        plain = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
        plain.pre_tokenizer = Whitespace()
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
        )
        torch.manual_seed(seed)
        network = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(words),
                hidden_size=WIDTH,
                intermediate_size=128,
                num_hidden_layers=LAYERS,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=256,
                pad_token_id=0,
                eos_token_id=1,
                bos_token_id=None,
                tie_word_embeddings=tied,
            )
        )
        with torch.no_grad():
            push = torch.from_numpy(size * planted).float()
            table = network.get_input_embeddings().weight
            table[[vocabulary[word] for word in good]] += push
            table[[vocabulary[word] for word in bad]] -= push
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def checkpoint(make_checkpoint: Callable[..., Path], tmp_path_factory: Any) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
