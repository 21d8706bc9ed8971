"""`juries vectors`: steering vectors for a local model from a run's verdicts (extra `torch`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.targets import Margin, Pairs, RunFolder, Welfare, Which, pair_settings
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.runs import Run
    from juries.targets.vectors.effect import VectorEffect
    from juries.targets.vectors.finding import SteeringVector, VectorSettings
    from juries.targets.vectors.making import Between, EffectSettings
    from juries.targets.vectors.model import LocalModel

WELFARE = "welfare"


def vectors(
    run_folder: RunFolder,
    *,
    model: Annotated[
        Path, typer.Option(help="Folder of a Hugging Face causal model.", show_default=False)
    ],
    by: Annotated[
        str, typer.Option(help="welfare, or an attribute of the jurors whose levels disagree.")
    ] = WELFARE,
    towards: Annotated[
        str | None, typer.Option(help="With an attribute: the level to steer towards.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="The level to steer away from; the other one of two.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File; RUN/targets/vectors.safetensors by default.")
    ] = None,
    vector: Annotated[
        Path | None, typer.Option(help="Find none: measure the vectors in this file.")
    ] = None,
    layer: Annotated[
        int | None, typer.Option(help="From 0; chosen on held-out items by default.")
    ] = None,
    held_out: Annotated[float, typer.Option(help="Share of the items that is held out.")] = 0.3,
    strength: Annotated[float, typer.Option(help="In multiples of the difference of means.")] = 1.0,
    effect: Annotated[
        bool, typer.Option(help="Let the jury judge what the vector changes, on held-out items.")
    ] = True,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Of generated responses.")] = 128,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts at a time.")] = 8,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda:0; a GPU if there is one.")
    ] = None,
    welfare: Welfare = None,
    pairs: Which = Pairs.WIDEST,
    min_margin: Margin = 0.0,
) -> None:
    """Find activation steering vectors, and let the jury judge their effect (extra `torch`).

    The effect is measured on held-out items beside random vectors of equal norm.
    """
    from juries.runs import open_run

    run = open_run(run_folder)
    path = out or run.path / "targets" / "vectors.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    between, settings = _parts(by, towards, against, layer, held_out, batch_size, run)
    chosen = pair_settings(
        welfare or run.study.scores.welfare[0], pairs, (), pareto=False,
        filters=(min_margin, 0.0, 0.0),
    )  # fmt: skip
    loaded = _load(model, device)
    from juries.targets.vectors.file import load_vector, save_vector
    from juries.targets.vectors.making import EffectSettings, make_vector

    if vector is None:
        found = make_vector(run, loaded, between=between, pairs=chosen, settings=settings)
        save_vector(found, path)  # before the effect is measured, which takes longer
    else:
        found = _at(load_vector(vector, loaded), layer, loaded)
    measured = None
    if effect:
        how = EffectSettings(
            strength=strength,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            resamples=run.study.scores.resamples,
            seed=run.record.seed,
        )
        measured = _measure(run, loaded, found, how, between)
    if vector is None:
        typer.echo(f"Wrote {path} and {save_vector(found, path, measured).name}")
    _say(found, measured)
    if measured is not None:
        _write_effect(measured, path.with_suffix(".effect.json"))


def _parts(
    by: str,
    towards: str | None,
    against: str | None,
    layer: int | None,
    held_out: float,
    batch_size: int,
    run: Run,
) -> tuple[Between | None, VectorSettings]:
    """Which groups, and how the vector is found.

    Raises:
        InputError: options that do not go together, or torch is not installed.
    """
    try:
        from juries.targets.vectors.finding import VectorSettings
        from juries.targets.vectors.making import Between
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "transformers", "safetensors"}:
            raise
        raise InputError(
            f"steering vectors need {error.name}",
            hint="Install the extra: pip install 'juries[torch]'.",
        ) from None
    settings = VectorSettings(
        held_out=held_out, layer=layer, batch_size=batch_size, seed=run.record.seed
    )
    if by == WELFARE:
        if towards or against:
            raise InputError("--towards and --against go with --by ATTRIBUTE", where="--by")
        return None, settings
    if towards is None:
        raise InputError(f"which level of {by!r} to steer towards?", where="--towards")
    return Between(attribute=by, towards=towards, against=against), settings


def _load(folder: Path, device: str | None) -> LocalModel:
    from juries.targets.vectors.model import load_model

    return load_model(folder, device=device)


def _at(vector: SteeringVector, layer: int | None, model: LocalModel) -> SteeringVector:
    from dataclasses import replace

    if layer is None:
        return vector
    model.layer(layer)
    return replace(vector, layer=layer, chosen=False)


def _measure(
    run: Run,
    model: LocalModel,
    vector: SteeringVector,
    settings: EffectSettings,
    between: Between | None,
) -> VectorEffect:
    from juries.runs import wait
    from juries.targets.vectors.making import measure_effect

    return wait(measure_effect(run, model, vector, settings, between=between))


def _say(vector: SteeringVector, effect: VectorEffect | None) -> None:
    how = "chosen on held-out items" if vector.chosen else "as asked for"
    typer.echo(
        f"{vector.model}: layer {vector.layer} ({how}) tells held-out pairs apart in "
        f"{vector.accuracy} of cases; {vector.trained_on} pairs behind it."
    )
    if effect is None:
        typer.echo("The effect was not measured.")
    else:
        typer.echo(effect.reading)
    typer.secho(f"Judged by: {vector.provenance.produced_by}", fg=typer.colors.YELLOW)


def _write_effect(effect: VectorEffect, path: Path) -> None:
    from pydantic_core import to_json

    from personas.files import replacing

    with replacing(path, binary=True) as file:
        file.write(to_json(effect, indent=1, inf_nan_mode="null") + b"\n")
    typer.echo(f"What was generated, and every figure: {path}")
