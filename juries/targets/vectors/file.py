"""Steering vectors as safetensors with a model card beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from juries.measures.estimates import Estimate
from juries.targets.provenance import Provenance
from juries.targets.vectors.finding import SteeringVector
from juries.targets.vectors.model import LocalModel
from personas.errors import InputError
from personas.files import replacing

if TYPE_CHECKING:
    from juries.targets.vectors.effect import VectorEffect

FORMAT = "juries.steering_vector/1"
_UNMEASURED = (
    "Not measured. Measure it on held-out items against random vectors of equal norm before use."
)


def save_vector(vector: SteeringVector, path: Path, effect: VectorEffect | None = None) -> Path:
    """Write the vectors, and a card beside them; the path of the card.

    Args:
        vector: with all its layers.
        path: ends in `.safetensors`.
        effect: what the jury saw of it, for the card.

    Raises:
        InputError: another suffix, or the file cannot be written.
    """
    if path.suffix != ".safetensors":
        raise InputError("steering vectors are saved as safetensors", where=path)
    accuracy = vector.accuracy
    about = {
        "format": FORMAT,
        "model": vector.model,
        "fingerprint": vector.fingerprint,
        "layer": str(vector.layer),
        "separation": json.dumps([None if np.isnan(d) else float(d) for d in vector.separation]),
        "accuracy": json.dumps([accuracy.value, accuracy.low, accuracy.high, accuracy.n]),
        "trained_on": str(vector.trained_on),
        "truncated": str(vector.truncated),
        "held_out": json.dumps(vector.held_out),
        "chosen": json.dumps(vector.chosen),
        "provenance": vector.provenance.model_dump_json(),
    }
    with replacing(path, binary=True) as file:
        file.write(save({"vectors": vector.vectors.contiguous()}, metadata=about))
    card = path.with_suffix(".md")
    with replacing(card) as file:
        file.write(_card(vector, path.name, effect))
    return card


def load_vector(path: Path, model: LocalModel | None = None) -> SteeringVector:
    """Read vectors back, and refuse those of another model.

    Args:
        path: of the safetensors file.
        model: the model they are for, checked where given.

    Raises:
        InputError: no such file, not a steering vector, or one of another model.
    """
    try:
        with cast("Any", safe_open)(path, framework="pt") as file:
            about: dict[str, str] = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise InputError(
                    "this safetensors file holds no steering vector",
                    where=path,
                    found=about.get("format"),
                    expected=FORMAT,
                )
            vectors = file.get_tensor("vectors")
    except FileNotFoundError:
        raise InputError("no such file", where=path) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"not a safetensors file ({error})", where=path) from None
    separation = [float("nan") if d is None else d for d in json.loads(about["separation"])]
    value, low, high, n = json.loads(about["accuracy"])
    vector = SteeringVector(
        vectors=vectors,
        layer=int(about["layer"]),
        separation=np.array(separation, dtype=np.float64),
        accuracy=Estimate(value=value, low=low, high=high, resampled="held-out pairs", n=n),
        trained_on=int(about["trained_on"]),
        model=about["model"],
        fingerprint=about["fingerprint"],
        truncated=int(about["truncated"]),
        provenance=Provenance.model_validate_json(about["provenance"]),
        held_out=tuple(json.loads(about["held_out"])),
        chosen=json.loads(about["chosen"]),
    )
    if model is not None:
        check_model(vector, model, where=path)
    return vector


def check_model(vector: SteeringVector, model: LocalModel, *, where: Path | str) -> None:
    """Refuse a model that the vectors were not found in.

    Raises:
        InputError: naming both models.
    """
    shape = (len(model.layers), model.width)
    if tuple(vector.vectors.shape) == shape and vector.fingerprint == model.fingerprint():
        return
    layers, width = vector.vectors.shape
    raise InputError(
        "these steering vectors belong to another model",
        where=where,
        found=f"{vector.model}: {layers} layers of width {width}, {vector.fingerprint}",
        expected=f"{model.name}: {shape[0]} layers of width {shape[1]}, {model.fingerprint()}",
    )


def _card(vector: SteeringVector, name: str, effect: VectorEffect | None) -> str:
    """What the file holds, what it was found with, and what it is not."""
    provenance = vector.provenance
    best = vector.separation[vector.layer]
    how = "chosen on held-out items" if vector.chosen else "as asked for"
    return f"""# {name}

Activation steering vectors for `{vector.model}` (fingerprint `{vector.fingerprint}`):
{vector.vectors.shape[0]} layers of width {vector.vectors.shape[1]}, float32, tensor `vectors`.

- Method: difference of mean activations over the tokens of contrasting responses,
  {vector.trained_on} pairs; {vector.truncated} responses were cut at the token limit.
- Layer {vector.layer} (from 0), {how}: d' = {best:.2f} on held-out items; tells held-out
  pairs apart in {vector.accuracy} of cases.
- Welfare function: `{provenance.welfare}`; pairs: {json.dumps(provenance.settings)}.
- Judged by: {provenance.produced_by}.
- Study: {provenance.study}, fingerprint `{provenance.fingerprint}`.

The contrast is what the jury preferred, with all that goes along with it (length, tone, topic).

## Effect

{_UNMEASURED if effect is None else effect.reading}
"""
