"""A local causal language model: its tokenizer, its layers, and what tells it from another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from personas.errors import InputError
from personas.identity import content_hash, digest

_FINGERPRINT_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalModel:
    """A Hugging Face causal model in evaluation mode.

    Attributes:
        network: the model.
        tokenizer: its tokenizer.
        name: shown in cards and messages.
    """

    network: Any
    tokenizer: Any
    name: str

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder layers, in order.

        Raises:
            InputError: no list of as many layers as the configuration says was found.
        """
        depth = int(self.network.config.num_hidden_layers)
        for module in self.network.modules():
            if isinstance(module, nn.ModuleList) and len(module) == depth:
                return module
        raise InputError(
            f"the decoder layers of {type(self.network).__name__} were not found",
            where=self.name,
            expected=f"a ModuleList of {depth} layers",
        )

    @property
    def width(self) -> int:
        """Size of the residual stream."""
        return int(self.network.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return cast("torch.device", self.network.device)

    def fingerprint(self) -> str:
        """Tells this model from another of the same shape: its configuration and some weights."""
        shape = {
            "type": type(self.network).__name__,
            "layers": len(self.layers),
            "width": self.width,
            "vocabulary": int(self.network.config.vocab_size),
        }
        rows = self.network.get_input_embeddings().weight[:_FINGERPRINT_ROWS]
        weights = rows.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()
        return content_hash([shape, digest(weights)])

    def layer(self, number: int) -> nn.Module:
        """One decoder layer, counted from 0.

        Raises:
            InputError: there is no such layer.
        """
        layers = self.layers
        if not 0 <= number < len(layers):
            raise InputError(
                f"there is no layer {number}", where=self.name, expected=f"0 to {len(layers) - 1}"
            )
        return layers[number]

    def opening(self, prompt: str) -> str:
        """The text before the response: by the chat template where the tokenizer has one."""
        if getattr(self.tokenizer, "chat_template", None):
            said = [{"role": "user", "content": prompt}]
            return str(
                self.tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
            )
        return f"{prompt}\n\n"


def load_model(folder: Path, *, device: str | None = None, dtype: str = "auto") -> LocalModel:
    """Load a checkpoint from a folder; nothing is downloaded.

    Args:
        folder: of `save_pretrained`, with model and tokenizer.
        device: such as `cpu` or `cuda:0`; a GPU when there is one by default.
        dtype: as `from_pretrained` takes it.

    Raises:
        InputError: the folder holds no causal model with a tokenizer.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        network = cast("Any", AutoModelForCausalLM).from_pretrained(
            folder, dtype=dtype, local_files_only=True
        )
        tokenizer = cast("Any", AutoTokenizer).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0][:200]
        raise InputError(
            f"no causal model with a tokenizer can be loaded ({first})",
            where=folder,
            hint="Name the folder of a checkpoint saved by `save_pretrained`.",
        ) from None
    return LocalModel(network=network.to(where).eval(), tokenizer=tokenizer, name=folder.name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Texts as a model reads them.

    Attributes:
        rows: positions of the texts in the sequence given.
        inputs: `input_ids` and `attention_mask`, [texts, tokens].
        response: whether a token belongs to the response, bool [texts, tokens].
        truncated: texts cut at the limit.
    """

    rows: tuple[int, ...]
    inputs: dict[str, Tensor]
    response: Tensor
    truncated: int


def batches(
    model: LocalModel,
    texts: Sequence[tuple[str, str]],
    *,
    batch_size: int,
    max_tokens: int,
) -> Iterator[Batch]:
    """Prompts with responses, in batches of similar length.

    Args:
        model: whose tokenizer reads them.
        texts: prompt and response.
        batch_size: texts at a time.
        max_tokens: longer texts are cut, and counted.
    """
    plain = not getattr(model.tokenizer, "chat_template", None)
    read: list[tuple[list[int], int]] = []
    for prompt, response in texts:
        opening = model.opening(prompt)
        before = _tokens(model, opening, special=plain)
        # The opening alone may be split otherwise at its end; the response starts after it.
        whole = before + _tokens(model, response, special=False)
        read.append((whole, len(before)))
    order = sorted(range(len(read)), key=lambda at: -len(read[at][0]))
    for start in range(0, len(order), batch_size):
        yield _batch(
            model, [(at, *read[at]) for at in order[start : start + batch_size]], max_tokens
        )


def _tokens(model: LocalModel, text: str, *, special: bool) -> list[int]:
    return list(model.tokenizer(text, add_special_tokens=special)["input_ids"])


def _batch(
    model: LocalModel, texts: Sequence[tuple[int, list[int], int]], max_tokens: int
) -> Batch:
    longest = min(max(len(tokens) for _, tokens, _ in texts), max_tokens)
    ids = torch.zeros((len(texts), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    response = torch.zeros_like(ids, dtype=torch.bool)
    for row, (_, tokens, start) in enumerate(texts):
        kept = tokens[:longest]
        ids[row, : len(kept)] = torch.tensor(kept, dtype=torch.long)
        mask[row, : len(kept)] = 1
        response[row, start : len(kept)] = True
    device = model.device
    return Batch(
        rows=tuple(at for at, _, _ in texts),
        inputs={"input_ids": ids.to(device), "attention_mask": mask.to(device)},
        response=response.to(device),
        truncated=sum(len(tokens) > longest for _, tokens, _ in texts),
    )
