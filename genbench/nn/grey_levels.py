"""Distributions of grey levels 0 … L − 1: a softmax, or a mixture of logistics.

A network gives their parameters. Images x in [0, 1] hold the level k = ⌊L x⌋. Uniform noise u within a level, x = (k +
u) / L, makes a density of a mass: p(x) = L P(k) for each coordinate (Theis, van den Oord and Bethge 2016, equation 3).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["LevelDistribution", "LogisticMixtures", "Softmax", "level_distribution", "levels_of"]

MOST_SOFTMAX = 32  # by hand: levels; with more a mixture is cheaper, and knows that neighbouring levels are alike
LOG_MIN_SCALE = -7.0  # PixelCNN++ (Salimans et al. 2017): of a logistic on [−1, 1], an eighth of one of 256 levels


def levels_of(x: Tensor, levels: int) -> Tensor:
    """Return the grey levels int64 (...) of pixels x (...) in [0, 1]."""
    return (levels * x).long().clamp(0, levels - 1)


class LevelDistribution(Protocol):
    """A distribution over the levels 0 … `levels` − 1, with `size` free parameters."""

    levels: int

    @property
    def size(self) -> int:
        """The number of parameters."""

    def log_prob(self, parameters: Tensor, k: Tensor) -> Tensor:
        """Return log P(k) (...) in nats for levels k (...) and parameters (..., size)."""

    def sample(self, parameters: Tensor) -> Tensor:
        """Return one level int64 (...) for each set of parameters (..., size)."""

    def marginals(self, k: Tensor) -> Tensor:
        """Return parameters (d, size) near the distribution of each coordinate in k (n, d).

        They are a start for training.
        """


class Softmax:
    """Any distribution: its parameters are log P(k) up to a constant."""

    def __init__(self, levels: int) -> None:
        self.levels = self.size = levels

    def log_prob(self, parameters: Tensor, k: Tensor) -> Tensor:
        return -functional.cross_entropy(parameters.flatten(0, -2), k.flatten(), reduction="none").view_as(k)

    def sample(self, parameters: Tensor) -> Tensor:
        below = parameters.softmax(dim=-1).cumsum(dim=-1)[..., :-1]
        return (below < torch.rand_like(parameters[..., :1])).sum(dim=-1)

    def marginals(self, k: Tensor) -> Tensor:
        """Return the log-frequencies; one further image is spread over all levels."""
        cell = k + self.levels * torch.arange(k.shape[1])
        counts = cell.flatten().bincount(minlength=k.shape[1] * self.levels).view(-1, self.levels)
        return (counts + 1 / self.levels).log()


class LogisticMixtures:
    """Mixtures of logistics on levels from −1 to 1; each level has the mass of its bin.

    See Salimans et al. (2017, equation 2). With v_k = 2k / (L − 1) − 1, half a bin δ = 1 / (L − 1), and σ the logistic
    function,

        P(k) = Σ_j π_j [σ((v_k + δ − μ_j) / s_j) − σ((v_k − δ − μ_j) / s_j)],

    where the outermost levels include the tails: the first σ is 1 at k = L − 1, the second 0 at k = 0. There are at
    least two levels L. The parameters are the logits of the π_j, the μ_j and the raw log s_j.
    """

    def __init__(self, levels: int, components: int) -> None:
        self.levels, self.components, self.size = levels, components, 3 * components
        self.half = 1 / (levels - 1)

    def log_prob(self, parameters: Tensor, k: Tensor) -> Tensor:
        """Return log P(k), by log [σ(a) − σ(b)] = log σ(a) + log σ(−b) + log(1 − e^{b − a}).

        No digits cancel in it.
        """
        logits, mean, log_scale = self._read(parameters)
        k, steepness = k.unsqueeze(-1), (-log_scale).exp()
        centred = 2 * self.half * k.to(mean.dtype) - 1 - mean
        from_above = functional.logsigmoid((centred + self.half) * steepness).where(k < self.levels - 1, 0.0)
        from_below = functional.logsigmoid((self.half - centred) * steepness).where(k > 0, 0.0)
        inside = (k > 0) & (k < self.levels - 1)
        both = (-torch.expm1(-2 * self.half * steepness)).log().where(inside, 0.0)
        return torch.logsumexp(logits.log_softmax(dim=-1) + from_above + from_below + both, dim=-1)

    def sample(self, parameters: Tensor) -> Tensor:
        """Return the level of the bin of a random point of the mixture.

        The component is drawn by inversion, and then a point of its logistic.
        """
        logits, mean, log_scale = self._read(parameters)
        below = logits.softmax(dim=-1).cumsum(dim=-1)[..., :-1] < torch.rand_like(logits[..., :1])
        chosen = below.sum(dim=-1, keepdim=True)
        mean, log_scale = (part.gather(-1, chosen).squeeze(-1) for part in (mean, log_scale))
        v = mean + log_scale.exp() * torch.rand_like(mean).logit(eps=1e-7)
        return ((v + 1) / (2 * self.half)).round().long().clamp(0, self.levels - 1)

    def marginals(self, k: Tensor) -> Tensor:
        """Return one logistic at each of several quantiles, with the width of their distance.

        The width is at least a bin.
        """
        shares = (torch.arange(self.components) + 0.5) / self.components
        v = 2 * self.half * k[:10_000].float() - 1
        mean = torch.quantile(v, shares, dim=0).T  # (d, components)
        scale = (v.std(dim=0, correction=0) / self.components).clamp(min=2 * self.half).unsqueeze(1)
        raw = scale.log() - LOG_MIN_SCALE
        raw = LOG_MIN_SCALE + raw + (-torch.expm1(-raw)).log()  # the inverse of softplus
        return torch.cat([torch.zeros_like(mean), mean, raw.expand_as(mean)], dim=1)

    def _read(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, means and log-scales (..., components)."""
        logits, mean, raw = parameters.chunk(3, dim=-1)
        return logits, mean, LOG_MIN_SCALE + functional.softplus(raw - LOG_MIN_SCALE)


def level_distribution(levels: int, components: int) -> LevelDistribution:
    """Return a softmax for up to 32 levels, or a mixture of `components` logistics for more."""
    return Softmax(levels) if levels <= MOST_SOFTMAX else LogisticMixtures(levels, components)
