"""The LangGraph workflow of each protocol, built from the study and compiled once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

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
    talk = "opinions" if protocol == "mediator" else _TALK[protocol][0]
    _add(graph, "first_ballot", nodes.first_ballot, _sampled("control", talk))
    graph.add_node("control", nodes.control)
    if protocol == "mediator":
        _add_mediation(graph)
    else:
        _add(graph, talk, _TALK[protocol][1], _unless_stopped("vote", "final_ballot"))
        _add(graph, "vote", nodes.vote, _unless_stopped(talk, "final_ballot"))
    graph.add_node("final_ballot", nodes.final_ballot)
    graph.add_edge(START, "first_ballot")
    graph.add_edge("control", talk)
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


def _add_mediation(graph: StateGraph[DeliberationState, Any, Any, Any]) -> None:
    """Add the nodes of mediation."""
    graph.add_node("opinions", mediation.opinions)
    _add(graph, "draft", mediation.draft, _unless_stopped("rank", "agree"))
    _add(graph, "rank", mediation.rank, _unless_stopped("critique", "agree"))
    graph.add_node("critique", mediation.critique)
    graph.add_node("agree", mediation.agree)
    graph.add_edge("opinions", "draft")
    graph.add_edge("critique", "draft")
    graph.add_edge("agree", "final_ballot")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fork:
    """Where a node may lead, and which way it goes.

    Attributes:
        ways: nodes with the reason to go there, for the picture.
        choose: one of them, by what the node changed in the state.
    """

    ways: Mapping[str, str]
    choose: Callable[[DeliberationState, DeliberationContext], str]


def _unless_stopped(on: str, end: str) -> _Fork:
    return _Fork(
        ways={end: STOPPED, on: GOING_ON},
        choose=lambda state, _: on if state.get("stop") is None else end,
    )


def _sampled(control: str, talk: str) -> _Fork:
    return _Fork(
        ways={control: SAMPLED, talk: NOT_SAMPLED},
        choose=lambda state, context: control if context.plan.is_control(state["item"]) else talk,
    )


def _add(
    graph: StateGraph[DeliberationState, Any, Any, Any], name: str, node: Node, fork: _Fork
) -> None:
    """Add a node that says itself where to go on; LangGraph's branches cost half a step more."""

    async def step(state: DeliberationState, runtime: Runtime[DeliberationContext]) -> Command[str]:
        changed = await node(state, runtime)
        return Command(update=changed, goto=fork.choose(changed, runtime.context))

    graph.add_node(name, step, destinations=dict(fork.ways))
