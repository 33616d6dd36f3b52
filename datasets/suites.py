"""Named selections of datasets: problems on which models differ."""

from __future__ import annotations

from genbench.contracts.dataset import DATASETS
from genbench.core.cards import Suite

__all__ = ["HARD"]

# Two for each property that breaks models: dimension, tails, rare modes, thin support, dependence and scale.
HARD = Suite(
    "hard",
    (
        "product[copies=8]",
        "gaussian_mixture[dim=64]",
        "student_t",
        "copula[dim=16]",
        "rare_modes[components=10,dim=8]",
        "many_well",
        "noisy[dim=32]",
        "correlated_mixture[dim=32]",
        "chain",
        "banana[dim=32]",
        "funnel[dim=16]",
        "scales",
    ),
    "twelve problems of 8 to 64 dimensions whose densities are exact, two for each of six properties",
)
DATASETS.add_suite(HARD)
