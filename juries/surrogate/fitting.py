"""Fitting the surrogate: several members, early stopping, temperature, and what it is worth.

The report compares it, on ratings held out at random, with a response's mean plus a juror's mean,
and with the overall distribution. A surrogate that does not beat them should not be used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from juries.surrogate.baseline import AdditiveBaseline, calibration_error, log_loss
from juries.surrogate.network import OrdinalNetwork, log_probabilities
from juries.surrogate.table import RatingTable
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEWEST = 50
_GAIN = 3e-4
"""Nats by which an epoch must lower the loss to count as a gain."""
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateSettings:
    """How the surrogate is fitted.

    Attributes:
        size: dimensions of the product of response and juror.
        members: networks averaged; all but the first learn from ratings drawn with replacement,
            so that their spread is the uncertainty about the model.
        epochs: at most so many passes.
        batch_size: ratings at a time; a fortieth of them, 256 at least, when None.
        rate: learning rate.
        penalty: of squared parameters, per rating.
        held_out: share of the ratings for the report; another share of this size stops training.
        patience: epochs without gain before it stops.
        seed: of everything random.
    """

    size: int = 3
    members: int = 3
    epochs: int = 60
    batch_size: int | None = None
    rate: float = 0.02
    penalty: float = 2.0
    held_out: float = 0.1
    patience: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateReport:
    """What the surrogate is worth, on ratings that it never saw.

    Attributes:
        log_loss: mean negative log probability of the rating, nats.
        baseline: that of the response's mean plus the juror's mean.
        marginal: that of the overall distribution of ratings.
        ece: expected calibration error of P(Y >= k), pooled over k.
        held_out: ratings it rests on.
        trained_on: ratings the members saw.
    """

    log_loss: float
    baseline: float
    marginal: float
    ece: float
    held_out: int
    trained_on: int

    @property
    def useful(self) -> bool:
        """Whether it beats both."""
        return self.log_loss < min(self.baseline, self.marginal)

    @property
    def reading(self) -> str:
        """In words."""
        verdict = "better than" if self.useful else "NOT better than"
        return (
            f"Held-out log loss {self.log_loss:.3f} nats over {self.held_out:,} ratings, {verdict} "
            f"the response's plus the juror's mean ({self.baseline:.3f}) and the overall "
            f"distribution ({self.marginal:.3f}); calibration error {self.ece:.3f}."
        )


class Surrogate:
    """Fitted members; predicts distributions over points."""

    def __init__(
        self,
        members: Sequence[OrdinalNetwork],
        temperature: float,
        report: SurrogateReport,
        severity: float,
    ) -> None:
        self._members = tuple(members)
        self._temperature = temperature
        self.report = report
        self.severity = severity

    @property
    def members(self) -> int:
        """How many networks are averaged."""
        return len(self._members)

    def predict(
        self, response: IntArray, juror: IntArray, *, member: int | None = None
    ) -> FloatArray:
        """P(Y = k) for jurors it learnt from, [N, K].

        Args:
            response: [N], positions in the table.
            juror: [N], positions in the table.
            member: one network only, for draws that vary as the model is uncertain.
        """

        def logits(net: OrdinalNetwork, rows: slice) -> torch.Tensor:
            return net(_tensor(response[rows]), _tensor(juror[rows]))

        return self._average(member, len(response), logits)

    def predict_new(
        self,
        response: IntArray,
        personas: FloatArray,
        shifts: FloatArray,
        *,
        member: int | None = None,
    ) -> FloatArray:
        """P(Y = k) for people it never saw, [N, K].

        Args:
            response: [N], positions in the table.
            personas: features of the person of each row, [N, features].
            shifts: severity of the person of each row, [N], in logits: drawn with standard
                deviation `severity`, the same for all rows of a person; 0 is the average person.
            member: one network only.
        """

        def logits(net: OrdinalNetwork, rows: slice) -> torch.Tensor:
            known = torch.from_numpy(personas[rows]).to(torch.float32)
            moved = torch.from_numpy(shifts[rows]).to(torch.float32)[:, None]
            return net.standing(_tensor(response[rows]), known, None) + moved

        return self._average(member, len(response), logits)

    def _average(
        self,
        member: int | None,
        count: int,
        logits: Callable[[OrdinalNetwork, slice], torch.Tensor],
    ) -> FloatArray:
        used = self._members if member is None else (self._members[member % len(self._members)],)
        parts: list[FloatArray] = []
        with torch.inference_mode():
            for start in range(0, count, _CHUNK):
                rows = slice(start, min(start + _CHUNK, count))
                logs = [log_probabilities(logits(net, rows) / self._temperature) for net in used]
                mean = torch.stack(logs).exp().mean(dim=0)
                parts.append(mean.numpy().astype(np.float64))
        whole = np.concatenate(parts)
        return whole / whole.sum(axis=1, keepdims=True)


@contextmanager
def _one_thread() -> Generator[None]:
    """Tensors here are so small that several threads wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def fit_surrogate(table: RatingTable, settings: SurrogateSettings | None = None) -> Surrogate:
    """Fit a surrogate on recorded ratings.

    Args:
        table: ratings with features.
        settings: how.

    Raises:
        InputError: too few ratings to hold some out.
    """
    settings = settings or SurrogateSettings()
    if len(table) < _FEWEST:
        raise InputError(f"{len(table)} ratings are too few", expected=f"{_FEWEST} or more")
    rng = generator(settings.seed, "surrogate", "split")
    order = rng.permutation(len(table))
    cut = max(1, round(settings.held_out * len(table)))
    test, stop, rest = order[:cut], order[cut : 2 * cut], order[2 * cut :]
    training, stopping = table.part(rest), table.part(stop)
    members = [
        _fit_member(training, stopping, settings, member) for member in range(settings.members)
    ]
    temperature = _temperature(members, stopping)
    severity = float(np.mean([_severity(net) for net in members]))
    blank = SurrogateReport(
        log_loss=np.nan, baseline=np.nan, marginal=np.nan, ece=np.nan, held_out=0, trained_on=0
    )
    draft = Surrogate(members, temperature, blank, severity)
    held = table.part(test)
    predicted = draft.predict(held.response, held.juror)
    seen = table.part(order[cut:])
    additive = AdditiveBaseline(seen)
    shares = np.bincount(seen.rating, minlength=table.points) + 0.5
    marginal = np.tile(shares / shares.sum(), (cut, 1))
    report = SurrogateReport(
        log_loss=log_loss(predicted, held.rating),
        baseline=log_loss(additive.predict(held.response, held.juror), held.rating),
        marginal=log_loss(marginal, held.rating),
        ece=calibration_error(predicted, held.rating),
        held_out=cut,
        trained_on=len(rest),
    )
    return Surrogate(members, temperature, report, severity)


def _fit_member(
    training: RatingTable, stopping: RatingTable, settings: SurrogateSettings, member: int
) -> OrdinalNetwork:
    """One network; beyond the first, on ratings drawn with replacement."""
    rng = generator(settings.seed, "surrogate", "member", member)
    if member:
        training = training.part(rng.integers(0, len(training), size=len(training)))
    state = torch.random.get_rng_state()
    torch.manual_seed(int(rng.integers(2**31)))
    try:
        network = OrdinalNetwork(
            torch.from_numpy(training.responses).to(torch.float32),
            torch.from_numpy(training.jurors).to(torch.float32),
            points=training.points,
            size=settings.size,
        )
        return _train(network, training, stopping, settings, rng)
    finally:
        torch.random.set_rng_state(state)


def _train(
    network: OrdinalNetwork,
    training: RatingTable,
    stopping: RatingTable,
    settings: SurrogateSettings,
    rng: np.random.Generator,
) -> OrdinalNetwork:
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    response, juror, rating = (
        _tensor(part) for part in (training.response, training.juror, training.rating)
    )
    size = settings.batch_size or max(256, len(training) // 40)
    best, waited = np.inf, 0
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(settings.epochs):
        shuffled = torch.from_numpy(rng.permutation(len(training)))
        for rows in cast("tuple[torch.Tensor, ...]", shuffled.split(size)):
            logs = log_probabilities(network(response[rows], juror[rows]))
            loss = torch.nn.functional.nll_loss(logs, rating[rows])
            loss = loss + settings.penalty / len(training) * network.penalty()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        score = _loss(network, stopping)
        if score < best - _GAIN:
            best, waited = score, 0
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        else:
            waited += 1
            if waited >= settings.patience:
                break
    network.load_state_dict(kept)
    return network.eval()


def _severity(network: OrdinalNetwork) -> float:
    """How jurors of one persona differ in their mean standing, standard deviation in logits."""
    with torch.inference_mode():
        vectors = network.item_vector.weight + network.text_vector(network.texts)
        shifts = network.severity.weight[:, 0] + network.juror_vector.weight @ vectors.mean(dim=0)
        return float(shifts.std())


def _loss(network: OrdinalNetwork, table: RatingTable, temperature: float = 1.0) -> float:
    with torch.inference_mode():
        logits = network(_tensor(table.response), _tensor(table.juror)) / temperature
        logs = log_probabilities(logits)
        return float(torch.nn.functional.nll_loss(logs, _tensor(table.rating)))


def _temperature(members: Sequence[OrdinalNetwork], stopping: RatingTable) -> float:
    """The temperature at which the members' average is likeliest (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar

    response, juror = _tensor(stopping.response), _tensor(stopping.juror)
    with torch.inference_mode():
        logits = [net(response, juror) for net in members]

    def loss(log_temperature: float) -> float:
        heat = float(np.exp(log_temperature))
        mean = torch.stack([log_probabilities(each / heat) for each in logits]).exp().mean(dim=0)
        return log_loss(mean.numpy().astype(np.float64), stopping.rating)

    found = minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded")
    return float(np.exp(found.x))


def _tensor(positions: IntArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(positions, dtype=np.int64))
