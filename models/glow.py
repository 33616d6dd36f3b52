"""Glow: a multi-scale coupling flow on images, with their exact likelihood."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Le, Lt
from torch import Tensor, nn

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, NotNegative, Positive
from genbench.nn.couplings import Affine, Composite, RationalQuadratic, Transform
from genbench.nn.dequantisation import Gaussianise, Logit, dequantise
from genbench.nn.image_flow import ImageFlow
from genbench.nn.prior import prior_of
from genbench.nn.whitening import Whitening

__all__ = ["Glow"]

BOUND = 4.0  # by hand, of the couplings' splines, which are the identity beyond
BLOCK = 500  # by hand: images at a time in sampling and scoring, to spare the memory
SHRINKAGE = 0.01  # by hand, of the covariance: pixels that always agree have a singular one
FIRST = 1000  # by hand: training images that initialise the actnorms


@register_model(
    "glow",
    family="normalizing flow",
    likelihood="exact",
    paper="Kingma and Dhariwal 2018; Dinh et al. 2017; Izmailov et al. 2020",
    kinds=("image",),
)
class Glow(TorchModel):
    """Glow: invertible layers map an image to noise; half of its values leave at each scale.

    A scale squeezes 2×2 pixels into channels and has steps of actnorm, an invertible 1×1 convolution and an affine
    coupling. With all layers as one map f, and g the map from grey levels to the whole line (`inputs`),

        log p(x) = log p(f(g(x))) + log |det ∂f/∂g| + log |det ∂g/∂x|,

    where the noise is N(0, I), or a learned mixture of Gaussians (`components`): a continuous map of one Gaussian
    leaves bridges between the classes of the data, whereas a map of a mixture need not (Izmailov et al. 2020). Training
    images get new noise inside their grey level at every step (uniform dequantisation, Theis et al. 2016).

    Args:
        couplings: number of steps in each scale.
        hidden: number of channels of a coupling's network.
        patch: side of the patch of pixels, after squeezing, that is its input.
        scales: how often the image is halved.
        clamp: largest absolute log-scale of a coupling, approached softly.
        bins: number of bins of the rational-quadratic spline after the affine map of a coupling (Durkan et al. 2019); 0
            means no spline, as in Glow.
        inputs: g: "gaussianised" makes the distribution of each pixel normal; "logit" is that of α + (1 − 2α) x, as in
            Real NVP; "standardised" only gives each channel mean 0 and standard deviation 1, for images without grey
            levels.
        alpha: α of the logit.
        components: number of Gaussians in the mixture of the noise; 0 for N(0, I), as in Glow.
        whiten: whether g also removes the correlations of all pixels, so that f starts as the identity and the model as
            a full-covariance Gaussian.
        temperature: factor of the standard deviation of the noise of samples. Below 1, samples are cleaner and less
            varied, and are no longer draws from the density (Glow, section 6).

    Raises:
        ValueError: `patch` is even, or `bins` is 1.
    """

    nfe = 1  # each layer is computed once for a sample
    recipe = Recipe(batch_size=256, lr=2e-2, ema=0.98, step_ms=75.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset({"components": 50, "bins": 8, "whiten": False}, dims=(1, 255)),
        Preset({"patch": 3, "batch_size": 64, "lr": 5e-3, "ema": 0.99, "step_ms": 180.0}, dims=(256, None)),
        Preset({"scales": 3, "whiten": False, "batch_size": 32, "step_ms": 250.0}, dims=(2048, None)),
        Preset({"inputs": "standardised", "batch_size": 16, "step_ms": 400.0}, dims=(4096, None)),
    )

    def __init__(
        self,
        couplings: Annotated[Count, Range(2, 8)] = 4,
        hidden: Annotated[Count, LogRange(32, 128)] = 64,
        patch: Count = 5,
        scales: Count = 2,
        clamp: Positive = 2.0,
        bins: Annotated[Natural, Le(500)] = 0,
        inputs: Literal["gaussianised", "logit", "standardised"] = "gaussianised",
        alpha: Annotated[Positive, Lt(0.5)] = 0.01,
        components: Natural = 0,
        whiten: bool = True,
        temperature: NotNegative = 1.0,
    ) -> None:
        if patch % 2 == 0:
            raise ValueError(f"patch={patch} must be odd, to have a pixel in its middle")
        if bins == 1:
            raise ValueError("bins=1 must be 0, for affine couplings, or lie between 2 and 500")
        self.couplings, self.hidden, self.patch, self.scales, self.clamp = couplings, hidden, patch, scales, clamp
        self.inputs, self.alpha, self.whiten, self.temperature = inputs, alpha, whiten, temperature
        self.bins, self.components = bins, components
        self.reads_levels = inputs != "standardised"

    def build(self, shape: tuple[int, ...]) -> None:
        self.prior = prior_of(self.components, math.prod(shape))
        self.to_line = nn.ModuleList()
        if self.inputs == "gaussianised":
            self.to_line.append(Gaussianise(shape, self.levels))
        if self.inputs == "logit":
            self.to_line.append(Logit(self.alpha))
        if self.whiten:
            self.to_line.append(Whitening(shape, SHRINKAGE))
        transform: Transform = Affine(self.clamp)
        if self.bins:
            transform = Composite(transform, RationalQuadratic(self.bins, BOUND))
        self.flow = ImageFlow(shape, self.scales, self.couplings, transform, self.hidden, self.patch)

    def prepare(self, x: Tensor) -> None:
        for layer in self.to_line:
            layer.fit(x)  # type: ignore[operator]
            x = torch.cat([layer(part)[0] for part in x.split(BLOCK)])
        self.flow.prepare(x[torch.randperm(len(x))[:FIRST]])

    def training_loss(self, x: Tensor) -> Tensor:
        if self.training and self.reads_levels:
            x = dequantise(x, self.levels)
        return -self._log_density(x).mean()

    def sample(self, n: int) -> Tensor:
        z = self.prior.sample(n, self.temperature)
        return torch.cat([self._decode(part) for part in z.split(BLOCK)])

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.cat([self._log_density(part) for part in x.split(BLOCK)])

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the noise (b, d) to which the flow leads from images (b, c, h, w)."""
        for layer in self.to_line:
            x, _ = layer(x)
        z: Tensor = self.flow(x)[0]
        return z

    def from_latent(self, z: Tensor) -> Tensor:
        return torch.cat([self._decode(part) for part in z.split(BLOCK)])

    def _log_density(self, x: Tensor) -> Tensor:
        """Return log p(x) (b,) in nats by change of variables, first to the line and then to noise."""
        log_det = x.new_zeros(len(x))
        for layer in self.to_line:
            x, change = layer(x)
            log_det = log_det + change
        z, change = self.flow(x)
        return self.prior.log_prob(z) + change + log_det

    def _decode(self, z: Tensor) -> Tensor:
        """Return the images (b, c, h, w) of noise z (b, d)."""
        x = self.flow.inverse(z)
        for layer in reversed(self.to_line):
            x, _ = layer.inverse(x)  # type: ignore[operator]
        return x
