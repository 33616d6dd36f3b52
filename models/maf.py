"""Masked autoregressive flow: a stack of affine autoregressive layers."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, Positive
from genbench.nn.couplings import Affine, Flow
from genbench.nn.flow_model import FlowModel
from genbench.nn.masked import MaskedNetwork
from genbench.nn.mixing import ActNorm, LinearMap, Permutation
from genbench.nn.mixture import Mixture, standard_parameters
from genbench.nn.prior import StandardNormal

__all__ = ["MAF", "AutoregressiveLayer"]


class AutoregressiveLayer(nn.Module):
    """y_i = x_i·exp(s_i) + t_i, where s_i and t_i depend on x_1 … x_{i−1}.

    One masked network gives them (equations 3 to 5). One pass maps all coordinates forward; the inverse computes them
    one after the other. |s_i| stays below `clamp`.
    """

    def __init__(self, d: int, hidden: int, depth: int, clamp: float, frequencies: int = 0) -> None:
        super().__init__()
        self.transform = Affine(clamp)
        self.network = MaskedNetwork(d, hidden, depth, self.transform.size, frequencies=frequencies)
        self.network.set_constant(torch.zeros(self.transform.size))  # a flow starts as the identity

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (b, d) and log |det dy/dx| (b,) in nats."""
        y, s = self.transform.forward(x, self.network(x).movedim(-1, 0))
        return y, s.sum(dim=1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return x (b, d) and log |det dx/dy| (b,) in nats."""
        x, log_det, state = torch.empty_like(y), y.new_zeros(len(y)), self.network.start(len(y))
        for i in range(y.shape[1]):
            x[:, i], s = self.transform.inverse(y[:, i], self.network.step(state, x, i).T)
            log_det = log_det + s
        return x, log_det


@register_model("maf", family="normalizing flow", likelihood="exact", paper="Papamakarios et al. 2017", variant=True)
class MAF(FlowModel):
    """Masked autoregressive flow: each layer scales and shifts coordinates given earlier ones.

    The order is reversed from layer to layer. Instead of the paper's batch normalisation, Glow's normalisation and
    linear maps are between layers. One more network models the result as a mixture of Gaussians for each coordinate
    given those before it (the paper's MAF MoG).

    Args:
        layers: number of autoregressive layers.
        components: number of Gaussians for a coordinate in the base; 0 is a base of N(0, I).
        hidden, depth: width and number of the hidden layers of a layer's network.
        clamp: largest absolute log-scale of a layer, approached softly.
        linear: whether a learned invertible linear map is before each layer.
        actnorm: whether a normalisation, initialised by the training points, is before each layer.
        frequencies: number of sines and cosines of each coordinate as inputs, at 1, 2, 4, … radians per standard
            deviation.
    """

    recipe = Recipe(batch_size=256, lr=6e-3, ema=0.995, step_ms=12.0)
    presets: ClassVar[tuple[Preset, ...]] = (Preset({"hidden": 128, "lr": 3e-3, "frequencies": 0}, dims=(8, None)),)

    def __init__(
        self,
        layers: Annotated[Count, Range(2, 8)] = 3,
        components: Annotated[Natural, LogRange(1, 64)] = 16,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(1, 4)] = 2,
        clamp: Positive = 1.0,
        linear: bool = True,
        actnorm: bool = True,
        frequencies: Natural = 3,
    ) -> None:
        self.layers, self.components = layers, components
        self.hidden, self.depth, self.clamp = hidden, depth, clamp
        self.linear, self.actnorm, self.frequencies = linear, actnorm, frequencies

    def build(self, shape: tuple[int, ...]) -> None:
        (self.d,) = shape
        layers: list[nn.Module] = []
        for i in range(self.layers):
            if i > 0:
                layers.append(Permutation(torch.arange(self.d).flip(0)))
            if self.linear:
                layers.append(LinearMap(self.d))
            if self.actnorm:
                layers.append(ActNorm(self.d))
            layers.append(AutoregressiveLayer(self.d, self.hidden, self.depth, self.clamp, self.frequencies))
        self.flow, self.prior = Flow(layers), StandardNormal(self.d)
        if self.components:
            self.base = MaskedNetwork(self.d, self.hidden, self.depth, 3 * self.components)
            self.base.set_constant(standard_parameters(self.components))

    def draw_base(self, n: int) -> Tensor:
        if not self.components:
            return super().draw_base(n)
        z, state = torch.empty(n, self.d), self.base.start(n)
        for i in range(self.d):
            z[:, i] = Mixture.of(self.base.step(state, z, i)).sample()
        return z

    def base_log_prob(self, z: Tensor) -> Tensor:
        return Mixture.of(self.base(z)).log_prob(z).sum(dim=1) if self.components else super().base_log_prob(z)
