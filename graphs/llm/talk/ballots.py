"""Private ratings of a jury that talks: every response is before the juror, and one is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from graphs.llm.rendering import Form, Renderer
from graphs.llm.session import Put
from graphs.llm.talk.conversation import Begun, Conversations
from graphs.minds.deliberator import Round
from graphs.panel import Juror

Rewrite = Callable[[Put, Form], Put]
"""Puts the same questions in another conversation."""


def in_talk(renderer: Renderer, conversations: Conversations, heard: tuple[Round, ...]) -> Rewrite:
    """Put questions at the end of what each juror has in front of them."""
    begun: dict[int, Begun] = {}

    def begin(juror: Juror) -> Begun:
        if juror.position not in begun:
            begun[juror.position] = conversations.begin(juror, heard)
        return begun[juror.position]

    questions = lru_cache(maxsize=64)(renderer.questions)

    def rewrite(put: Put, form: Form) -> Put:
        conversation = begin(put.juror)
        asked = conversations.ballot(put.cells[0].response, questions(form, put.orders))
        return replace(put, messages=conversation.asking(asked), notes=conversation.notes)

    return rewrite
