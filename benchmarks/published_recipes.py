"""The peers' published recipes for points in the plane, written with the peers' own library calls.

Each function trains for a number of wall seconds on standardised points x [n, 2] and returns a `Trained`. What is not
said here is the library's default.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

__all__ = ["RECIPES", "Trained"]


@dataclass
class Trained:
    """A trained peer: `sample(n)` [n, 2], `log_prob(x)` [n] in nats where there is one, and the steps it made."""

    sample: Callable[[int], Tensor]
    log_prob: Callable[[Tensor], Tensor] | None
    steps: int


def _descend(
    loss_of: Callable[[Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
    x: Tensor,
    batch_size: int,
    seconds: float,
    clip: float = math.inf,
) -> int:
    """Descend the loss of random batches until the time is over; a step whose loss is not finite is left out.

    Returns the number of steps.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    begin, steps = time.perf_counter(), 0
    with tqdm(
        total=seconds, desc="peer", unit="s", leave=False, bar_format="{desc} {bar} {n:.0f}/{total:.0f} s"
    ) as bar:
        while (done := time.perf_counter() - begin) < seconds:
            loss = loss_of(x[torch.randint(len(x), (batch_size,))])
            steps += 1
            if not torch.isfinite(loss):
                continue
            optimiser.zero_grad()
            loss.backward()
            if clip < math.inf:
                nn.utils.clip_grad_norm_(parameters, clip)
            optimiser.step()
            if steps % 100 == 0:
                bar.update(done - bar.n)
    return steps


def _flow_matching(x: Tensor, seconds: float, matcher: object) -> Trained:
    """3 × 64 SELU, batch 256, Adam 1e-3; 100 Euler steps."""
    from torchcfm.models.models import MLP

    net = MLP(dim=2, w=64, time_varying=True)

    def loss(x1: Tensor) -> Tensor:
        t, xt, ut = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)  # type: ignore[attr-defined]
        return (net(torch.cat([xt, t[:, None]], dim=1)) - ut).square().mean()

    def sample(n: int) -> Tensor:
        x = torch.randn(n, 2)
        for k in range(100):
            x = x + net(torch.cat([x, torch.full((n, 1), k / 100)], dim=1)) / 100
        return x

    steps = _descend(loss, torch.optim.Adam(net.parameters(), lr=1e-3), x, 256, seconds)
    return Trained(sample, None, steps)


def torchcfm_cfm(x: Tensor, seconds: float) -> Trained:
    """Conditional flow matching with independent pairs (torchcfm)."""
    from torchcfm.conditional_flow_matching import ConditionalFlowMatcher

    return _flow_matching(x, seconds, ConditionalFlowMatcher(sigma=0.0))


def torchcfm_ot(x: Tensor, seconds: float) -> Trained:
    """Conditional flow matching with exact minibatch optimal transport (torchcfm)."""
    from torchcfm.conditional_flow_matching import ExactOptimalTransportConditionalFlowMatcher

    return _flow_matching(x, seconds, ExactOptimalTransportConditionalFlowMatcher(sigma=0.0))


def zuko_nsf(x: Tensor, seconds: float) -> Trained:
    """Neural spline flow (zuko): 3 transforms, networks 64-64, batch 256, Adam 1e-3."""
    import zuko

    flow = zuko.flows.NSF(2, transforms=3, hidden_features=(64, 64))
    optimiser = torch.optim.Adam(flow.parameters(), lr=1e-3)
    steps = _descend(lambda batch: -flow().log_prob(batch).mean(), optimiser, x, 256, seconds)
    return Trained(lambda n: flow().sample((n,)), lambda points: flow().log_prob(points), steps)


def normflows_realnvp(x: Tensor, seconds: float) -> Trained:
    """Real NVP (normflows): 32 affine couplings, networks 1-64-64-2, batch 512, Adam 5e-4 with decay 1e-5."""
    import normflows

    layers: list[nn.Module] = []
    for _ in range(32):
        layers.append(normflows.flows.AffineCouplingBlock(normflows.nets.MLP([1, 64, 64, 2], init_zeros=True)))
        layers.append(normflows.flows.Permute(2, mode="swap"))
    flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), layers)
    optimiser = torch.optim.Adam(flow.parameters(), lr=5e-4, weight_decay=1e-5)
    steps = _descend(flow.forward_kld, optimiser, x, 512, seconds)
    return Trained(lambda n: flow.sample(n)[0], flow.log_prob, steps)


class _Waves(nn.Module):
    """Sines and cosines of a number at 64 frequencies from 1 down to 1e-4, times a scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.register_buffer("frequency", scale * torch.logspace(0, -4, 64))

    def forward(self, value: Tensor) -> Tensor:  # (b,) -> (b, 128)
        angle = value[:, None] * self.frequency
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        return h + nn.functional.gelu(self.linear(h))


class _NoisePredictor(nn.Module):
    """GELU network of width 128 with 3 residual layers, on waves of the step and of both coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.of_step, self.of_point = _Waves(1.0), _Waves(25.0)
        residual = [_Residual(128) for _ in range(3)]
        self.net = nn.Sequential(nn.Linear(3 * 128, 128), nn.GELU(), *residual, nn.Linear(128, 2))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        features = [self.of_point(x[:, 0]), self.of_point(x[:, 1]), self.of_step(t.float())]
        return self.net(torch.cat(features, dim=1))


def tiny_diffusion(x: Tensor, seconds: float) -> Trained:
    """DDPM as in tiny-diffusion: T = 50, β from 1e-4 to 0.02, noise prediction, batch 32, AdamW 1e-3, clip 1."""
    net = _NoisePredictor()
    beta = torch.linspace(1e-4, 0.02, 50)
    left = (1 - beta).cumprod(0)  # ᾱ_1 … ᾱ_T

    def loss(x0: Tensor) -> Tensor:
        t, noise = torch.randint(50, (len(x0),)), torch.randn_like(x0)
        xt = left[t].sqrt()[:, None] * x0 + (1 - left[t]).sqrt()[:, None] * noise
        return (net(xt, t) - noise).square().mean()

    def sample(n: int) -> Tensor:
        x = torch.randn(n, 2)
        for t in reversed(range(50)):
            before = left[t - 1] if t > 0 else torch.tensor(1.0)
            noise = net(x, torch.full((n,), t))
            x0 = (x - (1 - left[t]).sqrt() * noise) / left[t].sqrt()
            x = before.sqrt() * beta[t] / (1 - left[t]) * x0 + (1 - beta[t]).sqrt() * (1 - before) / (1 - left[t]) * x
            x = x + (beta[t] * (1 - before) / (1 - left[t])).sqrt() * torch.randn_like(x)
        return x

    steps = _descend(loss, torch.optim.AdamW(net.parameters(), lr=1e-3), x, 32, seconds, clip=1.0)
    return Trained(sample, None, steps)


RECIPES: dict[str, Callable[[Tensor, float], Trained]] = {
    "torchcfm I-CFM": torchcfm_cfm,
    "torchcfm OT-CFM": torchcfm_ot,
    "tiny-diffusion": tiny_diffusion,
    "zuko NSF": zuko_nsf,
    "normflows RealNVP": normflows_realnvp,
}
