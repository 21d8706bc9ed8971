"""What a study will ask of its language models, before it asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from graphs.assignment import Assignment
from graphs.deliberation.plan import Plan
from graphs.items import Item, questions
from graphs.llm.capabilities import Capabilities
from graphs.llm.estimate import LAYOUTS, Asking, Estimate, estimate
from graphs.llm.faults import MindUnavailableError
from graphs.llm.settings import LlmSettings, Method
from graphs.minds.opening import MindSettings
from graphs.minds.protocol import RatingTask
from graphs.panel import Panel
from juries.deliberation.asking import plan_deliberation
from juries.deliberation.estimating import with_talk
from juries.spec import Study

if TYPE_CHECKING:
    from juries.running.preparing import Prepared  # which leads back here


async def estimate_study(prepared: Prepared, *, limit: int | None = None) -> tuple[Estimate, ...]:
    """An estimate for each language model of a study: one ballot over its items, and the talk.

    Servers that answer are asked for their tokenizer and for what they can do, by a few tiny
    requests; without one, tokens are reckoned by characters. Baselines come on top.

    Args:
        prepared: the study with its jury seated.
        limit: only the first items.

    Raises:
        InputError: a server does not serve the model, or refuses the key.
    """
    study = prepared.study
    items = prepared.items[:limit]
    plan = plan_deliberation(study, prepared.jurors, prepared.items)
    made: list[Estimate] = []
    for each in study.seated_minds:
        jurors = tuple(juror for juror in prepared.jurors if juror.mind == each.shown)
        if not isinstance(each.mind, LlmSettings) or not jurors or not items:
            continue
        task = RatingTask(
            item=items[0],
            position=0,
            panel=Panel(jurors),
            questions=questions(study.scale),
            replicates=study.replicates,
            seed=study.seed,
        )
        share = asked_share(prepared.assignment, task.panel)
        first = await _estimate(each.mind, Asking(items=items, task=task, share=share))
        more = beyond(study, plan, items, mind=each.mind, jurors=len(jurors))
        made.append(first if more is None else more(first))
    return tuple(made)


def asked_share(assignment: Assignment | None, panel: Panel) -> float:
    """Of a mind's jurors, how many are asked about an item on average."""
    return 1.0 if assignment is None else assignment.share(panel)


def beyond(
    study: Study, plan: Plan | None, items: Sequence[Item], *, mind: MindSettings, jurors: int
) -> Callable[[Estimate], Estimate] | None:
    """What adds the study's talk to a mind's estimate of one ballot; None without talk.

    Args:
        study: as it runs.
        plan: of its deliberation.
        items: those that the run covers.
        mind: which of the study's minds.
        jurors: how many it answers for.
    """
    if plan is None or not isinstance(mind, LlmSettings):
        return None
    return partial(
        with_talk,
        settings=mind,
        plan=plan,
        items=items,
        asked=questions(study.scale),
        replicates=study.replicates,
        jurors=jurors,
    )


async def _estimate(settings: LlmSettings, asking: Asking) -> Estimate:
    if settings.endpoints:
        from graphs.minds.llm import open_llm_mind

        try:
            async with open_llm_mind(settings, position=0, seed=asking.task.seed) as mind:
                return await mind.estimate(asking, layouts=LAYOUTS)
        except MindUnavailableError:
            pass
    return await estimate(settings, asking, method=_likely_method(settings))


def _likely_method(settings: LlmSettings) -> Method:
    """The method that a vLLM server would be asked by."""
    return Capabilities(logprob_token_ids=20, json_schema=True).best_method(settings)
