"""Defaults of a run, by budget: number of seeds, metrics and amount of evidence."""

from __future__ import annotations

from dataclasses import dataclass, field

from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import CHEAP

__all__ = ["Defaults"]


@dataclass(frozen=True)
class Defaults:
    """The default number of seeds, selection of metrics, and protocol."""

    seeds: int = 3
    metrics: str = "all"
    protocol: Protocol = field(default_factory=Protocol)

    @classmethod
    def of(cls, budget: str) -> Defaults:
        """Return the defaults of a budget.

        >>> Defaults.of("smoke").seeds, Defaults.of("quick").seeds, Defaults.of("2000").protocol.samples
        (1, 3, 50000)
        """
        return SMOKE if budget == "smoke" else USUAL


USUAL = Defaults()
# Chosen by hand, so that sampling, densities and scores of a model together take about as long as its training and
# start-up: all models on points of the plane in half a minute on two cores. A diffusion model samples 2,000 points a
# second, and the exact density of a flow by its ODE takes 0.6 ms a point of 2 coordinates and 3 ms of 10.
SMOKE = Defaults(
    seeds=1,
    metrics=CHEAP,
    protocol=Protocol(samples=5_000, sets=2, set_size=1_000, densities=500, searched=1_000, tested=1_000),
)
