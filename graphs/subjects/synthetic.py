"""A subject whose steerability is declared, so that a stress test can be held to the truth.

It looks for the phrases that push each of its attributes. A phrase in message m, followed by t
further messages of the user, pushes by decay^t. With pushes adding up to p,

    expression = base + steerability (1 - base) p / (p + half)     for p > 0
    expression = base - opposability base |p| / (|p| + half)       for p < 0

plus noise, cut to [0, 1]. Its text holds words of the attribute's value so that a simulated rater
reads a value content of 0.85 x expression.

A question with options is answered by the mass of every letter, as a served model's is read:
option k, shown at place s, gets

    mass = valid x share_k x f_s / sum over options,    share_k = w_k^sharpness / sum of the same

with f = `first` at the first place and 1 elsewhere, and w as declared or drawn. `shares` tells the
truth without the taste for a place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphs.items import FloatArray
from graphs.minds.psychometric.lexicon import VALUES, shipped_lexicon
from graphs.records import Status
from graphs.subjects.letters import write_masses
from graphs.subjects.protocol import Ask, Message, Reply, SubjectKind
from graphs.subjects.settings import SyntheticAttribute, SyntheticSettings
from personas.identity import content_hash, generator
from personas.persona import SchwartzValue

CONTENT = 0.85
"""Value content of a text that expresses an attribute wholly."""

_HALF = 2.0  # of the simulator's reading: two words of a value give a content of a half
_MODEL_VERSION = 1


class SyntheticSubject:
    """See the module's docstring.

    Args:
        settings: what is known of it.
        seed: of its noise and its choice of words.
    """

    name = "synthetic subject"
    kind: SubjectKind = "synthetic subject"

    def __init__(self, settings: SyntheticSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self._seed = seed
        said = settings.model_dump(mode="json")
        self.version = content_hash([_MODEL_VERSION, seed, shipped_lexicon().hash, said])

    def expression(self, messages: Sequence[Message]) -> dict[str, float]:
        """The truth: how much a reply expresses each attribute, before noise."""
        pushes = self._pushes(messages)
        return {
            name: _response(attribute, pushes[name])
            for name, attribute in self.settings.attributes.items()
        }

    async def answer(self, ask: Ask) -> Reply:
        """Write a text that expresses what the conversation pushes it to, or decline.

        With options, the mass of every letter, as `letters.read_masses` reads it.
        """
        if ask.options:
            text = write_masses(self._masses(ask))
            return Reply(key=ask.key, sample=ask.sample, status=Status.OK, text=text)
        rng = generator(self._seed, "synthetic subject", ask.key, ask.sample)
        pushed = {name for name, push in self._pushes(ask.messages).items() if push}
        odds = [self.settings.attributes[name].refuses for name in sorted(pushed)]
        if rng.random() < max(odds, default=0.0):
            text = "I cannot take that perspective."
            return Reply(key=ask.key, sample=ask.sample, status=Status.REFUSED, text=text)
        sentences = ["Here is how this looks."]
        for name, strength in self.expression(ask.messages).items():
            value = self.settings.attributes[name].value
            noisy = min(1.0, max(0.0, strength + rng.normal(0.0, self.settings.noise)))
            known = _words(value)
            # Rounded up or down at random, so that the mean number of words is exact.
            drawn = rng.choice(known, size=int(_words_for(noisy) + rng.random())).tolist()
            sentences.extend(f"Think of {word}." for word in drawn)
        text = " ".join(sentences)
        return Reply(key=ask.key, sample=ask.sample, status=Status.OK, text=text)

    def shares(self, question: str, options: Sequence[str]) -> FloatArray:
        """The truth: its distribution over the options of a question, shape [K], sums to 1."""
        known = self.settings.options
        weights = [
            known.weights[option] if option in known.weights else self._drawn(question, option)
            for option in options
        ]
        # In logarithms: a drawn weight may be too small for its power.
        scores = known.sharpness * np.log(weights)
        shares = np.exp(scores - scores.max())
        return shares / shares.sum()

    def _drawn(self, question: str, option: str) -> float:
        rng = generator(self._seed, "synthetic options", question, option)
        return max(float(rng.gamma(self.settings.options.concentration)), 1e-12)

    def _masses(self, ask: Ask) -> list[float]:
        known = self.settings.options
        masses = self.shares(_question(ask), ask.options)
        masses[0] *= known.first
        return (known.valid * masses / masses.sum()).tolist()

    def _pushes(self, messages: Sequence[Message]) -> dict[str, float]:
        names = list(self.settings.attributes)
        direct = {
            name: _push(attribute, messages) for name, attribute in self.settings.attributes.items()
        }
        return {
            name: direct[name] + self.settings.spill * direct[names[at - 1]]
            if len(names) > 1
            else direct[name]
            for at, name in enumerate(names)
        }


def _question(ask: Ask) -> str:
    """The text between the last `Question:` and its first option."""
    form = ask.messages[-1].content.rsplit("Question: ", 1)[-1]
    return form.split(f"\nA. {ask.options[0]}", 1)[0].strip()


def _push(attribute: SyntheticAttribute, messages: Sequence[Message]) -> float:
    total = 0.0
    for at, message in enumerate(messages):
        if message.role == "assistant":
            continue
        later = sum(other.role == "user" for other in messages[at + 1 :])
        # The question itself comes after a system message and is no further turn.
        turns = max(later - (1 if message.role == "system" else 0), 0)
        words = message.content.casefold()
        up = sum(words.count(phrase.casefold()) for phrase in attribute.up)
        down = sum(words.count(phrase.casefold()) for phrase in attribute.down)
        total += (up - down) * attribute.decay**turns
    return total


def _response(attribute: SyntheticAttribute, push: float) -> float:
    reached = abs(push) / (abs(push) + attribute.half)
    if push >= 0:
        return attribute.base + attribute.steerability * (1 - attribute.base) * reached
    return attribute.base * (1 - attribute.opposability * reached)


def _words_for(expression: float) -> float:
    """Words of a value for a content of 0.85 x expression, as the simulator reads them."""
    content = CONTENT * expression
    return _HALF * content / (1 - content)


def _words(value: SchwartzValue) -> list[str]:
    position = VALUES.index(value)
    return sorted(word for word, place in shipped_lexicon().words.items() if place == position)
