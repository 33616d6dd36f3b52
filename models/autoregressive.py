"""Autoregressive mixture density: one conditional after the other, each a mixture of Gaussians."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.errors import GenbenchError
from genbench.model import register_model
from genbench.nn.masked import MaskedNetwork
from genbench.nn.mixture import Mixture, standard_parameters
from genbench.recipe import Preset, Recipe
from genbench.torch_model import TorchModel

__all__ = ["Autoregressive"]

RIDGE = 1e-6  # variance in standardised units: a coordinate that the others determine keeps a finite density
PART = 2000  # points at a time: the mixtures of many points in many dimensions fill the memory


@register_model(
    "ar",
    family="autoregressive",
    likelihood="exact",
    paper="Bishop 1994; Uria, Murray and Larochelle 2013; Germain et al. 2015",
)
class Autoregressive(TorchModel):
    """Autoregressive mixture density: p(x) = Π p(x_i | x_1 … x_{i−1}), each factor a mixture of Gaussians.

    A masked network (MADE) gives the logits, means and scales of all the mixtures in one pass; sampling takes d steps.
    The density is exact in any order of the coordinates.

    The Gaussian of the training points is taken out first: with x in order and Σ = LLᵀ (Cholesky), r = L⁻¹(x − mean) is
    white, r_i depends on x_1 … x_i alone, and log p(x) = Σ log p(r_i | r_1 … r_{i−1}) − Σ log L_ii. The network starts
    at p(r_i | …) ≈ N(0, 1), hence at the Gaussian, and learns what the Gaussian lacks.

    Args:
        components: Gaussians of a conditional.
        hidden: Width of the network.
        depth: Number of its hidden layers.
        frequencies: Sines and cosines that it sees beside each coordinate, at 1, 2, 4, … radians per unit.
        order: Order of the coordinates: None as they come, "reversed", "random" (by the seed), or a list of indices.

    Raises:
        ValueError: A size is less than 1, or `order` is no order of the coordinates.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, ema=0.99, step_ms=4.0)
    presets = (
        Preset({"components": 8, "hidden": 128, "frequencies": 0, "lr": 2e-3, "step_ms": 9.0}, dims=(5, 16)),
        Preset({"components": 4, "hidden": 128, "frequencies": 0, "lr": 1e-3, "step_ms": 15.5}, dims=(17, None)),
        Preset(
            {"components": 4, "hidden": 32, "depth": 2, "frequencies": 0, "lr": 3e-4, "step_ms": 6.0}, kinds=("table",)
        ),
    )
    network: Any  # a MaskedNetwork, or another with its four methods
    order_index: Tensor
    mean: Tensor
    root: Tensor
    inverse_root: Tensor
    log_widest: Tensor

    def __init__(
        self,
        components: int = 32,
        hidden: int = 64,
        depth: int = 3,
        frequencies: int = 3,
        order: str | list[int] | None = None,
    ) -> None:
        require_sizes(components=components, hidden=hidden, depth=depth)
        require_order(order)
        if frequencies < 0:
            raise ValueError(f"frequencies={frequencies} must not be negative")
        self.components, self.hidden, self.depth = components, hidden, depth
        self.frequencies, self.order = frequencies, order

    def build(self, shape: tuple[int, ...]) -> None:
        (self.d,) = shape
        self.register_buffer("order_index", order_of(self.order, self.d))
        self.register_buffer("mean", torch.zeros(self.d))
        self.register_buffer("root", torch.eye(self.d))
        self.register_buffer("inverse_root", torch.eye(self.d))
        self.register_buffer("log_widest", torch.zeros(self.d, 1))
        self.network = self.conditioner(3 * self.components)
        self.network.set_constant(standard_parameters(self.components))

    def conditioner(self, size: int) -> nn.Module:
        """Return the network that maps r (b, d) to rows (b, d, size), of which row i reads r_1 … r_{i−1} alone."""
        return MaskedNetwork(self.d, self.hidden, self.depth, size, self.frequencies)

    def prepare(self, x: Tensor) -> None:
        x = x[:, self.order_index].double()
        self.mean.copy_(x.mean(dim=0))
        centred = x - x.mean(dim=0)
        covariance = centred.T @ centred / len(x) + RIDGE * torch.eye(self.d)
        root = torch.linalg.cholesky(covariance)
        self.root.copy_(root)
        self.inverse_root.copy_(torch.linalg.solve_triangular(root, torch.eye(self.d).double(), upper=False))
        farthest = (centred @ self.inverse_root.T.double()).abs().amax(dim=0)
        self.log_widest.copy_((farthest / 2.5).clamp(min=1).log().unsqueeze(1))

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_conditionals(x).sum(dim=1).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.cat([self.log_conditionals(part).sum(dim=1) for part in x.split(PART)])

    def log_conditionals(self, x: Tensor) -> Tensor:
        """Return log p(x_i | coordinates before it) (b, d) in nats for x (b, d), the factors in order."""
        r = self.whiten(x)
        return self.mixture(self.network(r), self.log_widest).log_prob(r) - self.root.diagonal().log()

    def mixture(self, parameters: Tensor, log_widest: Tensor) -> Mixture:
        """Return the mixtures of parameters (b, …, 3K), whose Gaussians reach the farthest training point at 2.5 σ.

        Without a limit, a component of a thousandth of the weight may grow 70 wide where data are rare: the likelihood
        hardly notices, but one sample in 50,000 then lands far away.
        """
        mixture = Mixture.of(parameters)
        room = functional.softplus(log_widest - mixture.log_scale, beta=5.0)
        return mixture._replace(log_scale=log_widest - room)

    def whiten(self, x: Tensor) -> Tensor:
        """Return r (b, d), white and in order, for x (b, d)."""
        return (x[:, self.order_index] - self.mean) @ self.inverse_root.T

    def sample(self, n: int) -> Tensor:
        r, state = torch.zeros(n, self.d), self.network.start(n)
        for i in range(self.d):
            r[:, i] = self.mixture(self.network.step(state, r, i), self.log_widest[i]).sample()
        x = torch.empty_like(r)
        x[:, self.order_index] = self.mean + r @ self.root.T
        return x


def require_sizes(**sizes: int) -> None:
    """Raise a ValueError for a size less than 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size} must be at least 1")


def require_order(order: str | list[int] | None) -> None:
    """Raise a ValueError for an order that fits data of no dimension."""
    known = order in (None, "reversed", "random")
    if not known and (isinstance(order, str) or sorted(order or []) != list(range(len(order or [])))):
        raise ValueError(f"order={order} must be none, reversed, random, or a list of the indices 0 to d − 1")


def order_of(order: str | list[int] | None, d: int) -> Tensor:
    """Return the indices (d,) of the coordinates in their order.

    Raises:
        GenbenchError: The list is not as long as there are coordinates.
    """
    if order == "random":
        return torch.randperm(d)
    if isinstance(order, list):
        if len(order) != d:
            raise GenbenchError(f"order={order} must name each of the {d} coordinates once")
        return torch.tensor(order)
    return torch.arange(d).flip(0) if order == "reversed" else torch.arange(d)
