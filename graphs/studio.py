"""The graphs as `langgraph dev` opens them: plain JSON in, nothing to set up.

In a run the context (jury, minds, ledger) comes from the study. Here five seats of the embedded
rater simulator stand in, and ratings come back in the state, since there is no ledger.
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from graphs.items import Item, Likert, Response, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind
from graphs.panel import Juror, Panel
from personas.persona import Persona

_SCALE = Likert(
    question="How good is this response?",
    points=("very bad", "bad", "acceptable", "good", "very good"),
)
_PANEL = Panel(
    tuple(
        Juror(
            position=seat,
            id=f"seat-{seat}",
            persona=Persona(attributes={"seat": seat}),
            weight=0.2,
            mind="embedded",
        )
        for seat in range(5)
    )
)


class StudioInput(TypedDict):
    """A prompt and the responses to it, `{model: text}`."""

    prompt: str
    responses: dict[str, str]


class StudioOutput(TypedDict):
    """What the panel said of each model: one row a juror."""

    ratings: dict[str, list[dict[str, Any]]]


async def panel(state: StudioInput) -> StudioOutput:
    """Put the item to five simulated raters."""
    responses = tuple(Response(model=m, text=t) for m, t in state["responses"].items())
    task = RatingTask(
        item=Item(id="studio", prompt=state["prompt"], responses=responses),
        position=0,
        panel=_PANEL,
        questions=questions(_SCALE),
        seed=0,
    )
    ratings: dict[str, list[dict[str, Any]]] = {response.model: [] for response in responses}
    async for rows in PsychometricMind().rate(task):
        for row in rows:
            said = {"juror": _PANEL.jurors[row.juror].id, "rating": row.rating, "why": row.reason}
            ratings[responses[row.response].model].append(said)
    return {"ratings": ratings}


rating = (
    StateGraph(StudioInput, output_schema=StudioOutput)
    .add_node("panel", panel)
    .add_edge(START, "panel")
    .add_edge("panel", END)
    .compile(name="rating")
)
