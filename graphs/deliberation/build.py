"""The LangGraph workflow of each protocol, built from the study and compiled once."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import cache
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graphs.deliberation import mediation, nodes
from graphs.deliberation.context import DeliberationContext, DeliberationState
from graphs.deliberation.spec import MOST_ROUNDS


class Node(Protocol):
    """What LangGraph calls."""

    def __call__(
        self, state: DeliberationState, runtime: Runtime[DeliberationContext]
    ) -> Awaitable[DeliberationState]:
        """From state to state."""
        ...


DeliberationGraph = CompiledStateGraph[
    DeliberationState, DeliberationContext, DeliberationState, DeliberationState
]
GOING_ON, STOPPED = "going on", "stopped"
SAMPLED, NOT_SAMPLED = "sampled for the control", "not sampled"
MOST_STEPS = 4 * MOST_ROUNDS + 10
"""LangGraph's guard against loops, above what the most rounds of any protocol need."""
_TALK: dict[str, tuple[str, Node]] = {
    "independent": ("rest", nodes.rest),
    "discussion": ("speak", nodes.speak),
    "devils_advocate": ("speak", nodes.speak),
    "delphi": ("report", nodes.report),
    "debate": ("argue", nodes.argue),
}


def build_deliberation_graph(protocol: str) -> StateGraph[DeliberationState, Any, Any, Any]:
    """The graph of a protocol before compilation.

    All begin with a private ballot, on a sampled share of items with the control, and end with
    another private ballot. Between them talk and vote alternate until a stop rule holds; a
    mediator drafts, and jurors rank and criticise.
    """
    graph = StateGraph(DeliberationState, context_schema=DeliberationContext)
    graph.add_node("first_ballot", nodes.first_ballot)
    graph.add_node("control", nodes.control)
    graph.add_edge(START, "first_ballot")
    if protocol == "mediator":
        talk = _add_mediation(graph)
    else:
        talk, node = _TALK[protocol]
        graph.add_node(talk, node)
        graph.add_node("vote", nodes.vote)
        graph.add_conditional_edges(talk, _stopped, {STOPPED: "final_ballot", GOING_ON: "vote"})
        graph.add_conditional_edges("vote", _stopped, {STOPPED: "final_ballot", GOING_ON: talk})
    graph.add_conditional_edges("first_ballot", _sampled, {SAMPLED: "control", NOT_SAMPLED: talk})
    graph.add_edge("control", talk)
    graph.add_node("final_ballot", nodes.final_ballot)
    graph.add_edge("final_ballot", END)
    return graph


def compile_graph(
    protocol: str, checkpointer: BaseCheckpointSaver[Any] | None = None
) -> DeliberationGraph:
    """Compile the graph of a protocol.

    Args:
        protocol: by name.
        checkpointer: keeps threads that wait for people; None where nobody does.
    """
    built = build_deliberation_graph(protocol).compile(name=protocol, checkpointer=checkpointer)
    return built.with_config(recursion_limit=MOST_STEPS)


@cache
def deliberation_graph(protocol: str) -> DeliberationGraph:
    """The compiled graph of a protocol, built once a process, where no people are asked."""
    return compile_graph(protocol)


def _add_mediation(graph: StateGraph[DeliberationState, Any, Any, Any]) -> str:
    """Add the nodes of mediation; the name of the first."""
    graph.add_node("opinions", mediation.opinions)
    graph.add_node("draft", mediation.draft)
    graph.add_node("rank", mediation.rank)
    graph.add_node("critique", mediation.critique)
    graph.add_node("agree", mediation.agree)
    graph.add_edge("opinions", "draft")
    graph.add_conditional_edges("draft", _stopped, {STOPPED: "agree", GOING_ON: "rank"})
    graph.add_conditional_edges("rank", _stopped, {STOPPED: "agree", GOING_ON: "critique"})
    graph.add_edge("critique", "draft")
    graph.add_edge("agree", "final_ballot")
    return "opinions"


# Branches are coroutines: LangGraph hands plain functions to a thread, at twice a step's cost.


async def _stopped(state: DeliberationState) -> str:
    return GOING_ON if state.get("stop") is None else STOPPED


async def _sampled(state: DeliberationState, runtime: Runtime[DeliberationContext]) -> str:
    return SAMPLED if runtime.context.plan.is_control(state["item"]) else NOT_SAMPLED
