"""Adding a steering vector while a model runs, and generating with it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor

from juries.targets.vectors.file import check_model
from juries.targets.vectors.finding import SteeringVector
from juries.targets.vectors.model import LocalModel
from personas.identity import generator


@contextmanager
def steered(
    model: LocalModel,
    vector: SteeringVector,
    *,
    strength: float = 1.0,
    layer: int | None = None,
) -> Generator[None]:
    """Add `strength` times a layer's vector to its output at every token, while the block runs.

    Args:
        model: the model that the vector was found in.
        vector: the raw difference of means, so that strength 1 moves as far as the better
            responses stand from the worse ones; negative strengths steer away.
        strength: multiplies it.
        layer: counted from 0; the one chosen on held-out items when None.

    Raises:
        InputError: another model, or no such layer.
    """
    check_model(vector, model, where="steered")
    number = vector.layer if layer is None else layer
    with added(model, strength * vector.vectors[number : number + 1], layer=number):
        yield


@contextmanager
def added(model: LocalModel, direction: Tensor, *, layer: int) -> Generator[None]:
    """Add a direction to one layer's output at every token, while the block runs.

    Args:
        model: that is steered.
        direction: [width], or [texts, width] with one for each text of the batch.
        layer: counted from 0.

    Raises:
        InputError: there is no such layer.
    """
    target = model.layer(layer)
    # Against outputs of [texts, tokens, width].
    shift = direction[:, None, :] if direction.ndim == 2 else direction

    def hook(_module: object, _inputs: object, output: object) -> object:
        if isinstance(output, tuple):
            first, *rest = cast("tuple[Tensor, ...]", output)
            return (first + shift.to(first.device, first.dtype), *rest)
        only = cast("Tensor", output)
        return only + shift.to(only.device, only.dtype)

    handle = target.register_forward_hook(cast("Any", hook))
    try:
        yield
    finally:
        handle.remove()


def random_direction(vector: SteeringVector, *, layer: int, seed: int, draw: int = 0) -> Tensor:
    """A direction of the same norm as a layer's vector, uniform over all directions, [width]."""
    rng = generator(seed, "steering vector", "random direction", draw)
    drawn = torch.from_numpy(rng.standard_normal(vector.vectors.shape[1])).to(torch.float32)
    wanted = cast("Tensor", torch.linalg.vector_norm(vector.vectors[layer]))
    return drawn * (wanted / cast("Tensor", torch.linalg.vector_norm(drawn)))


def generate(
    model: LocalModel,
    prompts: Sequence[str],
    *,
    max_new_tokens: int = 128,
    batch_size: int = 8,
    temperature: float = 0.0,
    seed: int = 0,
) -> tuple[str, ...]:
    """Responses to prompts, in order.

    Args:
        model: with or without a vector added.
        prompts: what a user asks.
        max_new_tokens: of each response.
        batch_size: prompts at a time.
        temperature: 0 takes the likeliest token.
        seed: of sampling.
    """
    tokenizer = model.tokenizer
    plain = not getattr(tokenizer, "chat_template", None)
    fill = tokenizer.pad_token_id
    fill = fill if fill is not None else (tokenizer.eos_token_id or 0)
    said: list[str] = []
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        for start in range(0, len(prompts), batch_size):
            opened = [model.opening(prompt) for prompt in prompts[start : start + batch_size]]
            read = [tokenizer(text, add_special_tokens=plain)["input_ids"] for text in opened]
            longest = max(map(len, read))
            # Padded on the left, so that every row goes on from its own last token.
            ids = torch.tensor([[fill] * (longest - len(row)) + list(row) for row in read])
            mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in read])
            sampling: dict[str, object] = {"do_sample": False}
            if temperature > 0:
                sampling = {"do_sample": True, "temperature": temperature}
            with torch.inference_mode():
                out = model.network.generate(
                    input_ids=ids.to(model.device),
                    attention_mask=mask.to(model.device),
                    max_new_tokens=max_new_tokens,
                    pad_token_id=fill,
                    **sampling,
                )
            said.extend(
                str(tokenizer.decode(row[longest:], skip_special_tokens=True)) for row in out
            )
    finally:
        torch.random.set_rng_state(state)
    return tuple(said)
