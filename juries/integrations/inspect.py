"""A jury as an Inspect scorer.

In a task, `scorer=jury("study.yaml")`; on a log, `inspect score LOG --scorer juries/jury -S
study=study.yaml` (registered by the entry point group `inspect_ai`). The study's population, jury,
mind, scale and welfare functions are used; its items are not. For a finished run, export scores
with `juries export RUN --to inspect` and apply them with Inspect's `precomputed_scores`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from juries.bench import Hearing, Jury, open_jury
from juries.measures.welfare_functions import WelfareFunction, parse_welfare, parse_welfares
from juries.runs import load_study


class _Sitting:
    """One jury for all samples of an evaluation, seated when the first one comes.

    Its minds stay open until the process ends: Inspect does not say when scoring is over.
    """

    def __init__(self, study: str) -> None:
        self._study, self._base = load_study(Path(study))
        self.functions = parse_welfares(self._study.scores.welfare)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._jury: Jury | None = None

    async def jury(self) -> Jury:
        async with self._opening:
            if self._jury is None:
                self._jury = await self._stack.enter_async_context(
                    open_jury(self._study, self._base)
                )
            return self._jury


@scorer(metrics=[mean(), stderr()])
def jury(study: str, welfare: str | None = None) -> Scorer:
    """Score each sample by the welfare of a simulated jury over the model's answer.

    A sample that no juror validly rated is left unscored, not 0.

    Args:
        study: path of a study file.
        welfare: the function that makes the value, such as `power:0`; by default the study's first.

    Raises:
        InputError: the study cannot be used, or the function is unknown.
    """
    sitting = _Sitting(study)
    function = sitting.functions[0] if welfare is None else parse_welfare(welfare)

    async def score(state: TaskState, target: Target) -> Score:
        del target  # a jury judges the answer itself
        seated = await sitting.jury()
        answer = state.output.completion
        heard = await seated.hear(state.input_text, {str(state.model): answer})
        return _score(heard, seated, function, sitting.functions, answer)

    return score


def _score(
    heard: Hearing,
    seated: Jury,
    function: WelfareFunction,
    functions: tuple[WelfareFunction, ...],
    answer: str,
) -> Score:
    utilities = heard.utilities[0]
    valid = int((~np.isnan(utilities)).sum())
    about: dict[str, Any] = {
        "jurors": len(seated.jurors),
        "valid": valid,
        "statuses": dict(next(iter(heard.statuses.values()))),
        "judged_by": seated.produced_by,
    }
    if not valid:
        said = f"No juror validly rated this answer. Judged by {seated.produced_by}."
        return Score.unscored(reason="no_valid_rating", explanation=said, metadata=about)
    about["welfare"] = {each.name: float(each(utilities, heard.weights)) for each in functions}
    return Score(
        value=float(function(utilities, heard.weights)),
        answer=answer,
        explanation=(
            f"{function.label} over {valid} of {len(seated.jurors)} jurors. "
            f"Judged by {seated.produced_by}."
        ),
        metadata=about,
    )
