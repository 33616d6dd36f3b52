"""Checks of the contract of every model; each raises AssertionError with what is wrong.

Each check takes a card and parameters, and the device ("cpu" unless given); it fits the model for a moment, and returns
quietly where it does not apply (a density check for a model without likelihood). What a model must have learnt after
training is in `trained_model.py`.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.contracts.model import ModelCard
from genbench.contracts.optional_methods import (
    SupportsNoising,
    SupportsReconstruction,
    SupportsTrajectory,
    SupportsVelocity,
    supports,
)
from genbench.core.errors import GenbenchError
from genbench.core.hardware import default_device
from genbench.core.seeding import isolated
from genbench.core.types import Array
from genbench.downstream.capabilities import SHOWS
from genbench.estimator.estimator import Estimator
from genbench.testing.device_audit import runs_on_any_device

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CONTRACT", "require"]


def require(fine: bool, why: str) -> None:
    """Raise an AssertionError that says why, also where Python's own assertions are turned off."""
    if not fine:
        raise AssertionError(why)


def shapes(card: ModelCard, params: Mapping[str, Any], d: int = 2, device: str = "cpu") -> None:
    """Samples and densities have their shape, are float64 and finite, for one point and for several."""
    x = 3 * np.random.default_rng(0).normal(size=(300, d)) + 1
    model = Estimator(card, params, device).fit(x, budget="4")
    for n in (1, 7):
        values: list[tuple[Array, tuple[int, ...]]] = [(model.sample(n), (n, d))]
        if card.likelihood != "none":
            values.append((model.log_prob(x[:n]), (n,)))
        for value, shape in values:
            require(value.shape == shape, f"{card.name} gave shape {value.shape} for {shape}")
            require(value.dtype == np.float64, f"{card.name} gave {value.dtype}; it must be float64")
            require(bool(np.isfinite(value).all()), f"{card.name} gave values that are not finite")
    numbers = model.diagnose(x[:50])
    require(all(map(math.isfinite, numbers.values())), f"{card.name}.diagnose is not finite: {numbers}")


def repeats(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """The same seed gives the same bits, another seed others, and the global generators are left as they were."""
    x = np.random.default_rng(0).normal(size=(400, 2))
    first = Estimator(card, params, device).fit(x, seed=3, budget="4")
    before = _generators()  # torch is imported by now, if it is at all
    second = Estimator(card, params, device).fit(x, seed=3, budget="4")
    require(np.array_equal(first.sample(50, seed=1), second.sample(50, seed=1)), "same seed, other samples")
    one, other = (np.sort(first.sample(50, seed=seed), axis=0) for seed in (1, 2))  # each seed has an order of its own
    require(not np.array_equal(one, other), "other seed, same samples")
    if card.likelihood != "none":
        require(np.array_equal(first.log_prob(x[:20]), second.log_prob(x[:20])), "same seed, other densities")
    require(_generators() == before, "a global generator was moved")


def _generators() -> tuple[bytes, ...]:
    """Return the states of Python's, numpy's and torch's global generators."""
    torch = sys.modules.get("torch")
    numpy: Any = np.random.get_state(legacy=False)["state"]
    return (
        repr(random.getstate()).encode(),
        numpy["key"].tobytes() + bytes(str(numpy["pos"]), "ascii"),
        torch.get_rng_state().numpy().tobytes() if torch else b"",
    )


def goes_its_way(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """The way from noise to data ends in the very samples, and what else a model shows of its flow is sound."""
    if not any(supports(card.factory, method) for method in (*SHOWS, SupportsReconstruction)):
        return
    x = 3 * np.random.default_rng(0).normal(size=(300, 2)) + 1
    model = Estimator(card, params, device).fit(x, budget="4")
    if isinstance(model.model, SupportsTrajectory):
        way = model.trajectory(6, seed=1)  # the engine checks the times and shapes
        require(np.array_equal(way.points[-1], model.sample(6, seed=1)), f"{card.name}.trajectory ends elsewhere")
    shown: list[tuple[str, Callable[[float], Array]]] = []
    if isinstance(model.model, SupportsReconstruction):
        shown.append(("reconstruct", lambda t: model.reconstruct(x)))
    if isinstance(model.model, SupportsVelocity):
        shown.append(("velocity_at", lambda t: model.velocity(x, t)))
    if isinstance(model.model, SupportsNoising):
        shown.append(("noised", lambda t: model.noised(x, t)))
        right = np.abs(model.noised(x, 1.0) - x).mean() < 0.1 * x.std()
        require(bool(right), f"{card.name}.noised at time 1 is not the data")
    for name, method in shown:
        for t in (0.0, 0.5, 1.0):
            value = method(t)
            fine = value.shape == x.shape and bool(np.isfinite(value).all())
            require(fine, f"{card.name}.{name} at time {t} gave shape {value.shape} for {x.shape}, or NaN")


def refuses_nan(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """Training points that hold a NaN are refused, by a message that says so."""
    x = np.zeros((20, 2))
    x[3, 1] = np.nan
    try:
        Estimator(card, params, device).fit(x, budget="4")
    except GenbenchError as error:
        require("NaN" in str(error), f"the message does not say NaN: {error}")
        return
    raise AssertionError(f"{card.name} was fitted to NaN")


def follows_units(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """From x to x·a the density falls by Σ log |a_i| nats, to rounding: powers of 2 leave standardised points alone."""
    if card.likelihood == "none":
        return
    x, a = np.random.default_rng(0).normal(3, 2, size=(400, 2)), np.array([8.0, 0.25])
    here, there = (
        Estimator(card, params, device).fit(points, budget="4").log_prob(points[:50]) for points in (x, a * x)
    )
    error = float(np.abs(here - there - np.log(a).sum()).max())
    require(error < 1e-6, f"log_prob of {card.name} is off by {error:.2g} nats after a change of units")


def keeps_its_weights(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """Stored weights, put into a model of another seed, give the same samples and densities."""
    x = np.random.default_rng(0).normal(size=(400, 2))
    first, second = (Estimator(card, params, device).fit(x, x[:40], seed=seed, budget="4") for seed in (0, 1))
    if not first.weights():
        return
    same = all(np.array_equal(value, second.weights()[name]) for name, value in first.weights().items())
    require(not same, f"another seed trains the same {card.name}")
    from safetensors.torch import load, save

    stored = save({name: value.contiguous() for name, value in first.weights().items()})
    second.model.load_state_dict(load(stored))  # type: ignore[attr-defined]
    require(np.array_equal(first.sample(50), second.sample(50)), "loaded weights give other samples")
    if card.likelihood != "none":
        require(np.array_equal(first.log_prob(x[:20]), second.log_prob(x[:20])), "loaded weights: other densities")


def integrates_on_a_line(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """A density of one coordinate integrates to 1 ± 0.01; a lower bound, to no more."""
    if card.likelihood == "none":
        return
    x = np.random.default_rng(0).normal(1, 3, size=(300, 1))
    model = Estimator(card, params, device).fit(x, budget="4")
    line = np.arange(-60, 60, 0.1)[:, None]
    total = float(np.exp(model.log_prob(line)).sum() * 0.1)
    fine = total < 1.01 if model.likelihood == "bound" else abs(total - 1) < 0.01
    require(fine, f"the density of {card.name} on a line integrates to {total:.4f}")


def learns_from_all(card: ModelCard, params: Mapping[str, Any], device: str = "cpu") -> None:
    """Every parameter of a torch model gets a gradient, and every point of a batch changes a loss."""
    if not card.is_torch:
        return
    import torch

    with default_device(device):
        model: Any = Estimator(card, params).model

    used: dict[int, bool] = {}
    by_point: list[Tensor] = []

    def update(group: str, loss: Tensor) -> None:
        parameters = [p for p in model.optimizer_groups()[group].parameters() if p.requires_grad]
        *by_weight, of_batch = torch.autograd.grad(loss, [*parameters, x], retain_graph=True, allow_unused=True)
        by_point.extend([] if of_batch is None else [of_batch])
        for p, g in zip(parameters, by_weight, strict=True):
            used[id(p)] = used.get(id(p), False) or (g is not None and bool(torch.isfinite(g).all()))

    with default_device(device), isolated(0):
        x = torch.randn(64, 2)
        model.build((2,))
        model.prepare(x)
        model.train()
        model.progress = 0.5
        model.training_step(x.requires_grad_(), update)
    idle = [name for name, p in model.named_parameters() if p.requires_grad and not used.get(id(p), False)]
    require(not idle, f"parameters of {card.name} without a gradient: {', '.join(idle)}")
    require(bool(by_point), f"no loss of {card.name} depends on the data")
    say = torch.stack([(g.abs().sum(dim=1) > 0).float().mean() for g in by_point]).max()
    require(float(say) == 1, f"only {float(say):.0%} of a batch have a say in a loss of {card.name}")


CONTRACT: tuple[Callable[..., None], ...] = (
    shapes,
    repeats,
    goes_its_way,
    refuses_nan,
    follows_units,
    keeps_its_weights,
    integrates_on_a_line,
    learns_from_all,
    runs_on_any_device,
)
