"""Autoregressive density: one conditional after the other.

They are those of a point's coordinates, or of an image's grey levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.errors import GenbenchError
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, ShareBelowOne
from genbench.nn.float64 import wide
from genbench.nn.grey_levels import level_distribution, levels_of
from genbench.nn.masked import MaskedNetwork
from genbench.nn.mixture import Mixture, standard_parameters
from genbench.nn.pixelcnn import PixelCNN
from genbench.nn.score import gradient
from genbench.numerics.mixture import Mixture as Predictive

__all__ = ["Autoregressive", "LevelConditionals", "MixtureConditionals"]

RIDGE = 1e-6  # by hand, variance in standardised units: a coordinate that the others determine keeps a finite density
PART = 2000  # by hand, points at a time: the mixtures of many points in many dimensions fill the memory
PIXELS = 200_000  # by hand, of images at a time: the activations of a network fill it sooner

PICTURES = {"components": 5, "frequencies": 0, "lr": 4e-3, "clip": 200.0}  # by hand; gradients of an image are large

Conditioner = Callable[[int], nn.Module]


@register_model(
    "ar",
    family="autoregressive",
    likelihood="exact",
    paper="Bishop 1994; Uria, Murray and Larochelle 2013; Germain et al. 2015; van den Oord et al. 2016 (images)",
    kinds=("points", "table", "image", "series"),
)
class Autoregressive(TorchModel):
    """Autoregressive density: p(x) = Π p(x_i | x_1 … x_{i−1}).

    Each factor is a mixture of Gaussians, or a distribution of grey levels. For points and tables, a masked network
    (MADE) gives the logits, means and scales of all the mixtures in one pass; see `MixtureConditionals`. For images, a
    PixelCNN gives the probabilities of the grey levels, from the top left pixel to the bottom right one; see
    `LevelConditionals`. Sampling takes d steps. The density is exact.

    Args:
        components: Number of Gaussians of a conditional, or of logistics for images with more than 32 grey levels.
        hidden: Width of the network; for images, the number of channels of each of its stacks.
        depth: Number of its hidden layers; for images, of its blocks.
        frequencies: Number of sines and cosines of each coordinate of a point as inputs, at 1, 2, 4, … radians per
            unit.
        order: Order of a point's coordinates: None for the given one, "reversed", "random" (by the seed), or a list of
            indices. An image has the order of its pixels.
        dropout: Share of the PixelCNN's units that are dropped in training, so that it does not memorise a small set of
            images.

    Raises:
        ValueError: `order` is not an order of the coordinates.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, ema=0.99, step_ms=4.0)
    presets = (
        Preset({"components": 8, "hidden": 128, "frequencies": 0, "lr": 2e-3, "step_ms": 6.0}, dims=(5, 16)),
        Preset({"components": 4, "hidden": 128, "frequencies": 0, "lr": 1e-3, "step_ms": 8.0}, dims=(17, None)),
        Preset(
            {"components": 4, "hidden": 32, "depth": 2, "frequencies": 0, "lr": 3e-4, "step_ms": 3.0}, kinds=("table",)
        ),
        Preset(PICTURES | {"hidden": 32, "depth": 4, "lr": 1e-2, "batch_size": 16, "step_ms": 22.0}, kinds=("image",)),
        Preset(PICTURES | {"hidden": 48, "depth": 8, "batch_size": 16, "step_ms": 600.0}, ("image",), dims=(257, 1024)),
        Preset(PICTURES | {"hidden": 48, "depth": 8, "batch_size": 8, "step_ms": 280.0}, ("image",), dims=(1025, None)),
    )
    reads_levels = True
    nfe = 1  # though in d steps: each unit of the network is computed once for a sample
    conditionals: MixtureConditionals | LevelConditionals

    def __init__(
        self,
        components: Annotated[Count, LogRange(8, 64)] = 32,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(1, 5)] = 3,
        frequencies: Annotated[Natural, Range(0, 6)] = 3,
        order: str | list[int] | None = None,
        dropout: ShareBelowOne = 0.0,
    ) -> None:
        require_order(order)
        self.components, self.hidden, self.depth = components, hidden, depth
        self.frequencies, self.order, self.dropout = frequencies, order, dropout

    def build(self, shape: tuple[int, ...]) -> None:
        conditioner = partial(self.conditioner, shape)
        if len(shape) == 1:
            self.conditionals = MixtureConditionals(shape[0], self.components, self.order, conditioner)
        elif self.order is None:
            self.conditionals = LevelConditionals(shape, self.levels, self.components, conditioner)
        else:
            raise GenbenchError(f"order={self.order} is for points; images are read pixel by pixel, so leave it out")

    def conditioner(self, shape: tuple[int, ...], size: int) -> nn.Module:
        """Return a network from (b, d) to rows (b, d, size); row i uses only coordinates before i.

        The coordinates of an image are ordered by pixels, and in each pixel by channels.
        """
        if len(shape) == 1:
            return MaskedNetwork(shape[0], self.hidden, self.depth, size, self.frequencies)
        return PixelCNN(shape, self.hidden, self.depth, size, self.dropout)

    def prepare(self, x: Tensor) -> None:
        self.conditionals.prepare(x)

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        parts = x.split(self.conditionals.part)
        return torch.cat([self.conditionals.log_conditionals(part).sum(dim=1) for part in parts])

    def score_at(self, x: Tensor) -> Tensor:
        """Return ∇ log p(x) (b, d) at points (b, d).

        Raises:
            NotImplementedError: the model has probabilities of grey levels, which are steps.
        """
        if not isinstance(self.conditionals, MixtureConditionals):
            raise NotImplementedError("probabilities of grey levels have no gradient")
        return torch.cat([gradient(self.log_prob, part) for part in x.split(self.conditionals.part)])

    def sample(self, n: int) -> Tensor:
        return self.conditionals.sample(n)

    def conditional_sample(self, x: Tensor, known: NDArray[np.bool_]) -> Tensor:
        """Draw each coordinate after the known ones, given all before it.

        It is exact if the known coordinates come first.
        """
        count = int(known.sum())
        if not bool(self.conditionals.in_order(torch.as_tensor(known)[None])[0, :count].all()):
            raise NotImplementedError("the known coordinates are not the first ones of its order")
        filled = self.conditionals.sample(len(x), x, count)
        return torch.where(torch.as_tensor(known), x, filled)

    def forecast(self, x: Tensor) -> Predictive:
        """Return the last factor of the density for histories x (n, d − 1) of a series.

        Raises:
            GenbenchError: the order of the coordinates does not end with the last one.
        """
        assert isinstance(self.conditionals, MixtureConditionals)
        if self.conditionals.order_index[-1] != x.shape[1]:
            raise GenbenchError(f"order={self.order} does not end with the last step; leave it out to forecast")
        return self.conditionals.last(x)


class MixtureConditionals(nn.Module):
    """Mixtures of Gaussians, one for each coordinate of a point, given those before it.

    The coordinates may be in any order. The Gaussian of the training points is removed first: with x in order and Σ =
    LLᵀ (Cholesky), r = L⁻¹(x − mean) is white, r_i depends on x_1 … x_i alone, and log p(x) = Σ log p(r_i | r_1 …
    r_{i−1}) − Σ log L_ii. The network, which `conditioner` makes for rows of a given size, starts at p(r_i | …) ≈ N(0,
    1), hence at the Gaussian.
    """

    part = PART
    network: Any  # a MaskedNetwork, or another with its four methods
    order_index: Tensor
    mean: Tensor
    root: Tensor
    inverse_root: Tensor
    log_widest: Tensor

    def __init__(self, d: int, components: int, order: str | list[int] | None, conditioner: Conditioner) -> None:
        super().__init__()
        self.d = d
        self.register_buffer("order_index", order_of(order, d))
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("root", torch.eye(d))
        self.register_buffer("inverse_root", torch.eye(d))
        self.register_buffer("log_widest", torch.zeros(d, 1))
        self.network = conditioner(3 * components)
        self.network.set_constant(standard_parameters(components))

    def prepare(self, x: Tensor) -> None:
        """Compute mean, covariance and reach of the training points x (n, d)."""
        x = wide(x[:, self.order_index])
        self.mean.copy_(x.mean(dim=0))
        centred = x - x.mean(dim=0)
        covariance = centred.T @ centred / len(x) + RIDGE * torch.eye(self.d, device=x.device)
        root = torch.linalg.cholesky(covariance)
        self.root.copy_(root)
        self.inverse_root.copy_(torch.linalg.solve_triangular(root, torch.eye(self.d).to(root), upper=False))
        farthest = (centred @ self.inverse_root.T.to(root)).abs().amax(dim=0)
        self.log_widest.copy_((farthest / 2.5).clamp(min=1).log().unsqueeze(1))

    def log_conditionals(self, x: Tensor) -> Tensor:
        """Return log p(x_i | coordinates before it) (b, d) in nats for x (b, d), in order."""
        r = self.whiten(x)
        return self.mixture(self.network(r), self.log_widest).log_prob(r) - self.root.diagonal().log()

    def mixture(self, parameters: Tensor, log_widest: Tensor) -> Mixture:
        """Return the mixtures of parameters (b, …, 3K).

        A Gaussian is at most so wide that it reaches the farthest training point at 2.5 σ. Otherwise a rare component
        may become so wide that some samples are far away.
        """
        mixture = Mixture.of(parameters)
        room = functional.softplus(log_widest - mixture.log_scale, beta=5.0)
        return mixture._replace(log_scale=log_widest - room)

    def in_order(self, x: Tensor) -> Tensor:
        """Return the coordinates (b, d) of points (b, d) in their order."""
        return x[:, self.order_index]

    def whiten(self, x: Tensor) -> Tensor:
        """Return r (b, d), white and in order, for x (b, d)."""
        return (x[:, self.order_index] - self.mean) @ self.inverse_root.T

    def last(self, x: Tensor) -> Predictive:
        """Return the distribution of the last coordinate, given the others x (n, d − 1).

        It is a mixture for r_d; x_d = mean_d + Σ_{j<d} L_dj r_j + L_dd r_d.
        """
        r = self.whiten(functional.pad(x, (0, 1)))
        mixture = self.mixture(self.network(r)[:, -1], self.log_widest[-1])
        shift = self.mean[-1] + r[:, :-1] @ self.root[-1, :-1]
        scale = self.root[-1, -1]
        parts = (mixture.logits.log_softmax(-1), shift[:, None] + scale * mixture.mean, scale * mixture.log_scale.exp())
        return Predictive(*(part.numpy(force=True).astype(np.float64) for part in parts))

    def sample(self, n: int, given: Tensor | None = None, known: int = 0) -> Tensor:
        """Return n points (n, d); the first `known` coordinates are those of `given` (n, d)."""
        r, state = torch.zeros(n, self.d), self.network.start(n)
        if given is not None:
            r[:, :known] = self.whiten(given)[:, :known]
        for i in range(self.d):
            row = self.network.step(state, r, i)
            if i >= known:
                r[:, i] = self.mixture(row, self.log_widest[i]).sample()
        x = torch.empty_like(r)
        x[:, self.order_index] = self.mean + r @ self.root.T
        return x


class LevelConditionals(nn.Module):
    """Grey levels of an image, one of L for each coordinate, given those before it.

    The order is pixel by pixel, and in each pixel channel by channel. An image x in [0, 1] (c, height, width) has the
    levels k = ⌊L x⌋, L at least 2, and p(x) = L^d Π P(k_i | k_1 … k_{i−1}) is constant in the cell of a level. The
    network's input is 2k / (L − 1) − 1. It starts at the distribution of each single coordinate in the training images.
    """

    network: Any  # a PixelCNN, or another with its four methods

    def __init__(self, shape: tuple[int, ...], levels: int, components: int, conditioner: Conditioner) -> None:
        super().__init__()
        self.shape, self.d, self.levels = shape, math.prod(shape), levels
        self.part = max(1, PIXELS // self.d)
        self.distribution = level_distribution(levels, components)
        self.network = conditioner(self.distribution.size)

    def prepare(self, x: Tensor) -> None:
        """Compute each coordinate's distribution in the training images x (n, c, height, width)."""
        self.network.set_constant(self.distribution.marginals(self.read(x)))

    def log_conditionals(self, x: Tensor) -> Tensor:
        """Return log p(x_i | coordinates before it) (b, d) in nats, in order.

        The images x are (b, c, height, width). The result is −∞ for a coordinate outside of [0, 1].
        """
        k = self.read(x)
        log_mass = self.distribution.log_prob(self.network(self.scale(k)), k)
        outside = self.in_order((x < 0) | (x > 1))
        return (log_mass + math.log(self.levels)).masked_fill(outside, -math.inf)

    def read(self, x: Tensor) -> Tensor:
        """Return the levels k (b, d), in order, of images x (b, c, height, width)."""
        return levels_of(self.in_order(x), self.levels)

    def in_order(self, x: Tensor) -> Tensor:
        """Return the coordinates (b, d) of images (b, c, height, width).

        The channels of a pixel are side by side.
        """
        return x.permute(0, 2, 3, 1).flatten(1)

    def scale(self, k: Tensor) -> Tensor:
        """Return levels k as numbers from −1 to 1, of the network's type."""
        return (2 * k / (self.levels - 1) - 1).to(next(self.network.parameters()))

    def sample(self, n: int, given: Tensor | None = None, known: int = 0) -> Tensor:
        """Return n images (n, c, height, width) with new uniform noise in each level.

        See `sample_levels`.
        """
        levels = None if given is None else self.read(given)
        parts = [(at, min(self.part, n - at)) for at in range(0, n, self.part)]
        some = [None if levels is None else levels[at : at + size] for at, size in parts]
        k = torch.cat([self.sample_levels(size, few, known) for (_, size), few in zip(parts, some, strict=True)])
        c, height, width = self.shape
        return ((k + torch.rand(k.shape)) / self.levels).view(n, height, width, c).permute(0, 3, 1, 2)

    def sample_levels(self, n: int, given: Tensor | None = None, known: int = 0) -> Tensor:
        """Return levels (n, d) in order; the first `known` ones are those of `given` (n, d)."""
        k, state = torch.zeros(n, self.d, dtype=torch.int64), self.network.start(n)
        if given is not None:
            k[:, :known] = given[:, :known]
        x = self.scale(k)
        for i in range(self.d):
            row = self.network.step(state, x, i)
            if i >= known:
                k[:, i] = self.distribution.sample(row)
                x[:, i] = self.scale(k[:, i])
        return k


def require_order(order: str | list[int] | None) -> None:
    """Raise a ValueError for an order that is wrong for data of any dimension."""
    known = order in (None, "reversed", "random")
    if not known and (isinstance(order, str) or sorted(order or []) != list(range(len(order or [])))):
        raise ValueError(f"order={order} must be none, reversed, random, or a list of the indices 0 to d − 1")


def order_of(order: str | list[int] | None, d: int) -> Tensor:
    """Return the indices (d,) of the coordinates in their order.

    Raises:
        GenbenchError: The length of the list is not the number of coordinates.
    """
    if order == "random":
        return torch.randperm(d)
    if isinstance(order, list):
        if len(order) != d:
            raise GenbenchError(f"order={order} must name each of the {d} coordinates once")
        return torch.tensor(order)
    return torch.arange(d).flip(0) if order == "reversed" else torch.arange(d)
