"""The surrogate's model: an ordinal likelihood over responses, personas and jurors.

For juror j and response r, with text features x_r and persona features a_j,

    s_rj = item_r + W x_r + severity_j + v·a_j + (e_r + E x_r) · (P a_j + q_j)
    P(Y >= k) = logistic(exp(c_j) · (s_rj - t_k)),  k = 1 … K - 1, t_k rising.

The product says how much a response moves this kind of juror, and this very one.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class OrdinalNetwork(nn.Module):
    """See the module's docstring.

    Args:
        responses: features of responses, [R, features].
        jurors: features of jurors, [J, features].
        points: K.
        size: dimensions of the product.
    """

    def __init__(self, responses: Tensor, jurors: Tensor, *, points: int, size: int) -> None:
        super().__init__()
        self.texts: Tensor
        self.personas: Tensor
        self.register_buffer("texts", responses)
        self.register_buffer("personas", jurors)
        self.item = nn.Embedding(len(responses), 1)
        self.severity = nn.Embedding(len(jurors), 1)
        self.spread = nn.Embedding(len(jurors), 1)
        self.item_vector = nn.Embedding(len(responses), size)
        self.juror_vector = nn.Embedding(len(jurors), size)
        self.text_bias = nn.Linear(responses.shape[1], 1, bias=False)
        self.persona_bias = nn.Linear(jurors.shape[1], 1, bias=False)
        self.text_vector = nn.Linear(responses.shape[1], size, bias=False)
        self.persona_vector = nn.Linear(jurors.shape[1], size, bias=False)
        self.first = nn.Parameter(torch.tensor(-2.0))
        self.steps = nn.Parameter(torch.full((points - 2,), 0.5))
        for table in (self.item, self.severity, self.spread):
            nn.init.zeros_(table.weight)
        for table in (self.item_vector, self.juror_vector):
            nn.init.normal_(table.weight, std=0.1)
        for layer in (self.text_bias, self.persona_bias):
            nn.init.zeros_(layer.weight)
        for layer in (self.text_vector, self.persona_vector):
            nn.init.normal_(layer.weight, std=0.05)

    @property
    def thresholds(self) -> Tensor:
        """t_1 … t_{K-1}, rising."""
        rises = nn.functional.softplus(self.steps)
        return torch.cat([self.first[None], self.first + torch.cumsum(rises, dim=0)])

    def forward(self, response: Tensor, juror: Tensor) -> Tensor:
        """Logits of Y >= k, [N, K - 1]."""
        return self.standing(response, self.personas[juror], juror)

    def standing(self, response: Tensor, personas: Tensor, juror: Tensor | None) -> Tensor:
        """Logits of Y >= k for given persona features; None for jurors never seen."""
        text = self.texts[response]
        vector = self.persona_vector(personas)
        score = self.item(response) + self.text_bias(text) + self.persona_bias(personas)
        scale = torch.ones_like(score)
        if juror is not None:
            vector = vector + self.juror_vector(juror)
            score = score + self.severity(juror)
            scale = torch.exp(self.spread(juror))
        response_vector = self.item_vector(response) + self.text_vector(text)
        score = score + (response_vector * vector).sum(dim=1, keepdim=True)
        return cast("Tensor", scale * (score - self.thresholds))

    def penalty(self) -> Tensor:
        """Sum of squares of what is estimated per response or juror, and of the products' maps."""
        free = (self.item, self.severity, self.spread, self.item_vector, self.juror_vector)
        maps = (self.text_bias, self.persona_bias, self.text_vector, self.persona_vector)
        return torch.stack([part.weight.square().sum() for part in (*free, *maps)]).sum()


def log_probabilities(logits: Tensor) -> Tensor:
    """Log P(Y = k), [N, K], from logits of Y >= k, without cancellation in the tails."""
    above = nn.functional.logsigmoid(logits)
    below = nn.functional.logsigmoid(-logits)
    # P(Y = k) = P(>= k) - P(>= k + 1) = sigma(a) sigma(-b) (1 - exp(b - a)) for logits a > b.
    gap = (logits[:, :-1] - logits[:, 1:]).clamp_min(1e-6)
    inner = above[:, :-1] + below[:, 1:] + torch.log(-torch.expm1(-gap))
    return torch.cat([below[:, :1], inner, above[:, -1:]], dim=1)
