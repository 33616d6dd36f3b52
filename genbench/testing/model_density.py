"""Checks of the log-density of an untrained model: units, sign, mass, independence.

`genbench.testing.trained_model` checks that samples follow the density.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from genbench.contracts.model import ModelCard
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, DoesNotApply, check, require
from genbench.testing.fits import densities, fitted, material, needs_samples

__all__ = ["DENSITY", "follows_units", "integrates_on_a_line"]

UNITS = 1e-6  # nats, by hand: rounding of log p by a change of units by powers of 2, which change no digit
# Chosen by hand, as in `genbench.evaluation.repeatability`: sums in another order leave rounding, up to 2e-6 nats here.
NATS, RELATIVE = 1e-3, 1e-5
STEPS = (0.1, 0.01)  # of the sum that is an integral, by hand: a spline that has hardly learnt has peaks of 0.02
ASKED, FAR = 20, 8.0  # points that are compared, and how far away log p must have fallen, in standard deviations


@check(
    expected="log p to fall by Σ log |a| nats where x is multiplied by a",
    meaning="the log-determinant of the model's own standardisation is missing, or is added with the wrong sign",
    methods=("log_prob", "fit", "prepare"),
    suspects=r"return .*log|/ ?self\.(scale|std)",
)
def follows_units(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """From x to x·a, the log-density falls by Σ log |a_i| nats, up to rounding.

    The factors are powers of 2, which leave standardised points unchanged.
    """
    needs_samples(card)
    data = material(card, None, seed)
    if data.kind == "image":
        raise DoesNotApply("images have one unit, that of their levels")
    x = data.points
    a = np.full(x.shape[1], 8.0) if card.kinds == ("series",) else np.array([8.0, 0.25])
    found = []
    for points in (x, a * x):
        model = Estimator(card, params, device).fit(**replace(data, points=points).fit)
        found.append(densities(model, points[:ASKED]))
    error = float(np.abs(found[0] - found[1] - np.log(a).sum()).max())
    require(error < UNITS, f"log_prob of {card.name} is off by {error:.2g} nats after a change of units")
    return f"off by {error:.1g} nats"


@check(
    expected="a density on a line that integrates to 1 ± 0.01; of a lower bound, to no more than that",
    meaning="a normalising constant is missing, or a log-determinant is missing or has the wrong sign",
    methods=("log_prob",),
    suspects=r"return .*log|log_?det|logdet",
)
def integrates_on_a_line(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """A density of one coordinate integrates to 1 ± 0.01; a lower bound to at most that."""
    needs_samples(card)
    if material(card).kind == "image":
        raise DoesNotApply("it takes images alone")
    try:
        model = fitted(card, params, device, d=1, of=seed)
    except GenbenchError as error:
        if card.kinds != ("series",):
            raise
        raise DoesNotApply(f"it takes no windows of one step: {error}") from None
    for step in STEPS:
        log_p = densities(model, np.arange(-60, 60, step)[:, None])
        with np.errstate(over="ignore"):
            total = float(np.exp(log_p).sum() * step)
        fine = total < 1.01 if model.likelihood == "bound" else abs(total - 1) < 0.01
        if fine:
            break
    require(fine, f"the density of {card.name} on a line integrates to {total:.4g}")
    return f"integrates to {total:.4f}"


@check(
    expected=f"log p to be lower {FAR:g} standard deviations away than where the data lie",
    meaning="the sign: log_prob returns the negative log-likelihood, which is a loss and no density",
    methods=("log_prob",),
    suspects=r"return .*",
)
def falls_off(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """Far from the data, the log-density is lower than at the data."""
    model, x = fitted(card, params, device, of=seed), material(card, None, seed).points
    away = x.mean(axis=0) + np.sign(x - x.mean(axis=0)) * FAR * x.std(axis=0)
    here, there = (float(densities(model, points[:ASKED]).mean()) for points in (x, away))
    require(there < here, f"log p is {here:.3g} nats on average at the data and {there:.3g} far away")
    return f"{here:.3g} nats at the data, {there:.3g} far away"


@check(
    expected="the same exact log p of a point, whatever other points it is asked with, and under every seed",
    meaning="a mean, a standard deviation or a batch norm over the points that were asked for, or a mean in place of "
    "a value for each point; with noise in it, register likelihood='estimate'",
    methods=("log_prob",),
    suspects=r"\.(mean|std|var|sum|max|min|logsumexp)\((axis=0|dim=0|0)?\)|batch_?norm",
)
def asks_no_neighbours(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """The exact log-density of a point depends only on the point, not on batch or seed."""
    model, x = fitted(card, params, device, of=seed), material(card, None, seed).points[: 10 * ASKED]
    if model.likelihood in ("bound", "estimate"):
        raise DoesNotApply("a bound or an estimate has noise, which differs from batch to batch")
    order = np.argsort(x.reshape(len(x), -1)[:, 0], kind="stable")[:ASKED]  # neighbours: their mean is not that of all
    together, apart, later = (
        densities(model, x)[order],
        densities(model, x[order]),
        densities(model, x[order], seed=1),
    )
    alone = np.array([densities(model, x[k][None])[0] for k in order[:3]])
    gap = _gap(apart, later)
    require(not gap, f"log_prob differs by {gap:.2g} nats from seed to seed, and is registered as exact")
    gap = max(_gap(together, apart), _gap(apart[:3], alone))
    require(not gap, f"log p of a point differs by {gap:.2g} nats between a batch of {len(x)}, of {ASKED} and of 1")
    return f"batches of {len(x)}, {ASKED} and 1"


def _gap(a: Array, b: Array) -> float:
    """Return the largest difference of log-densities [n] in nats; 0 where all of it may be rounding."""
    with np.errstate(invalid="ignore"):
        gaps = np.where(a == b, 0.0, np.abs(a - b))
    size = np.where(np.isfinite(a), np.abs(a), 0.0)
    return float(gaps.max()) if (gaps > np.maximum(NATS, RELATIVE * size)).any() else 0.0


DENSITY: tuple[Check, ...] = (follows_units, integrates_on_a_line, falls_off, asks_no_neighbours)
