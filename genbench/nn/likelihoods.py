"""Likelihoods of a decoder: its output as a distribution of x given z."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from genbench.core.errors import GenbenchError
from genbench.nn.grey_levels import levels_of

__all__ = ["Bernoulli", "DiscretisedLogistic", "Gaussian", "Likelihood", "log_normal"]

STD_FLOOR = 1e-3  # by hand, in the units of the values: without it a repeated point has infinite density


class Likelihood(nn.Module):
    """p(x|z) of data x (b, *shape), whose values are independent given z.

    A decoder returns `outputs` numbers for each value, along the first axis: (…, outputs · shape[0], *shape[1:]).
    `read` converts them to the distribution's parameters, which the other methods use.

    Attributes:
        outputs: number of outputs of a decoder for each value.
        log_scale: added to `log_prob` to get a density of x, in nats: 0, or d · log levels for masses of grey levels.
    """

    outputs: int
    log_scale: float = 0.0

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))

    def read(self, output: Tensor) -> tuple[Tensor, ...]:
        """Return the parameters of the distribution, (…, *shape) each, from a decoder's output."""
        raise NotImplementedError

    def values(self, x: Tensor) -> Tensor:
        """Return the random values of x (b, *shape): x itself, or k / (levels − 1) for level k."""
        return x

    def log_prob(self, x: Tensor, *parameters: Tensor) -> Tensor:
        """Return log p(x|z) in nats, (…, b), for x (b, *shape).

        It is a density, or the mass of the grey levels.
        """
        raise NotImplementedError

    def mean(self, *parameters: Tensor) -> Tensor:
        """Return E[values|z], (…, *shape)."""
        raise NotImplementedError

    def sample(self, *parameters: Tensor) -> Tensor:
        """Return one x for each set of parameters, (…, *shape).

        A grey level k becomes (k + u) / levels with u ~ U[0, 1).
        """
        raise NotImplementedError


class _LocationScale(Likelihood):
    """A likelihood of a mean and a standard deviation; this is a function of z, or one learned or given number.

    Args:
        std: None for a function of z, one for each value; "shared" for one learned number; or the number.
    """

    def __init__(self, shape: tuple[int, ...], std: float | str | None = None) -> None:
        super().__init__(shape)
        self.std, self.outputs = std, 2 if std is None else 1
        if std == "shared":
            self.raw_std = nn.Parameter(torch.zeros(()))

    def read(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation."""
        if self.std is None:
            mean, raw = output.chunk(2, dim=self.axes[0])
            return mean, (softplus(raw) + STD_FLOOR).log()
        return output, self.shared_std.log().expand_as(output)

    @property
    def shared_std(self) -> Tensor:
        """The one σ () where it is not a function of z."""
        return softplus(self.raw_std) + STD_FLOOR if self.std == "shared" else torch.tensor(self.std)


class Gaussian(_LocationScale):
    """p(x|z) = N(μ, diag σ²)."""

    def log_prob(self, x: Tensor, *parameters: Tensor) -> Tensor:
        mean, log_std = parameters
        return log_normal(x, mean, log_std, self.axes)

    def mean(self, *parameters: Tensor) -> Tensor:
        return parameters[0]

    def sample(self, *parameters: Tensor) -> Tensor:
        mean, log_std = parameters
        return mean + log_std.exp() * torch.randn_like(mean)


class DiscretisedLogistic(_LocationScale):
    """The masses of a logistic distribution around the grey levels v = k / (levels − 1).

    Its mean is μ and its scale s.

        P(v) = σ((v + ½ w − μ) / s) − σ((v − ½ w − μ) / s),   w = 1 / (levels − 1)

    where the first level has all of the left tail, and the last one all of the right (Kingma et al. 2016, eq. 26;
    Salimans et al. 2017, eq. 2). The standard deviation of the logistic is s π / √3. The values of an image x are
    (k + u) / levels with 0 ≤ u < 1.
    """

    def __init__(self, shape: tuple[int, ...], levels: int, std: float | str | None = None) -> None:
        super().__init__(shape, std)
        self.levels, self.log_scale = levels, math.prod(shape) * math.log(levels)

    def values(self, x: Tensor) -> Tensor:
        return levels_of(x, self.levels) / (self.levels - 1)

    def log_prob(self, x: Tensor, *parameters: Tensor) -> Tensor:
        v, (mean, scale), width = self.values(x), _logistic(*parameters), 1 / (self.levels - 1)
        # With a > b, σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)), which loses no digits far out.
        below = logsigmoid((v + 0.5 * width - mean) / scale) * (v < 1)  # log σ(a), or 0 for the last level
        above = logsigmoid((mean - v + 0.5 * width) / scale) * (v > 0)  # log σ(−b), or 0 for the first
        within = torch.log(-torch.expm1(-width / scale)) * ((v > 0) & (v < 1))
        return (below + above + within).sum(dim=self.axes)

    def mean(self, *parameters: Tensor) -> Tensor:
        """Return E[values|z], (…, *shape), to within half a level.

        It is the mean of the logistic cut off at 0 and at 1.
        """
        mean, scale = _logistic(*parameters)
        return scale * (softplus(mean / scale) - softplus((mean - 1) / scale))  # ∫₀¹ σ((μ − v) / s) dv

    def sample(self, *parameters: Tensor) -> Tensor:
        mean, scale = _logistic(*parameters)
        v = mean + scale * torch.logit(torch.rand_like(mean), eps=1e-7)
        k = (v * (self.levels - 1)).round().clamp(0, self.levels - 1)
        return (k + torch.rand_like(k)) / self.levels


class Bernoulli(Likelihood):
    """Pixels x = (k + u) / 2 that are black or white: P(k = 1) = σ(l).

    The logarithm of the mass is the binary cross-entropy.

    Raises:
        GenbenchError: the number of levels is not two. The cross-entropy of grey values is not a likelihood.
    """

    outputs = 1

    def __init__(self, shape: tuple[int, ...], levels: int) -> None:
        super().__init__(shape)
        if levels != 2:
            raise GenbenchError(
                f"a bernoulli likelihood is for images of 2 levels, and these have {levels}; "
                f"use logistic, or binarise the images"
            )
        self.log_scale = math.prod(shape) * math.log(2)

    def read(self, output: Tensor) -> tuple[Tensor]:
        """Return the logits l."""
        return (output,)

    def values(self, x: Tensor) -> Tensor:
        return levels_of(x, 2).to(x.dtype)

    def log_prob(self, x: Tensor, *parameters: Tensor) -> Tensor:
        (logit,) = parameters
        return (self.values(x) * logit - softplus(logit)).sum(dim=self.axes)  # k log σ(l) + (1 − k) log σ(−l)

    def mean(self, *parameters: Tensor) -> Tensor:
        return parameters[0].sigmoid()

    def sample(self, *parameters: Tensor) -> Tensor:
        k = torch.bernoulli(self.mean(*parameters))
        return (k + torch.rand_like(k)) / 2


def log_normal(
    x: Tensor, mean: Tensor | float = 0.0, log_std: Tensor | float = 0.0, axes: tuple[int, ...] = (-1,)
) -> Tensor:
    """Return log N(x; μ, diag σ²) in nats, summed over the axes.

    By default it is the standard normal.
    """
    log_std = torch.as_tensor(log_std)
    white = (x - mean) * (-log_std).exp()
    return -(0.5 * white.square() + log_std + 0.5 * math.log(2 * math.pi)).sum(dim=axes)


def _logistic(mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and scale s of the logistic with this log standard deviation."""
    return mean, log_std.exp() * (math.sqrt(3) / math.pi)
