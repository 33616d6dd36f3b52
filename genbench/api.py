"""The Python interface: load a dataset, a model or a run by name, and run a benchmark."""

from __future__ import annotations

from typing import Any

from genbench.dataset import Dataset
from genbench.estimator import Estimator
from genbench.parameters import bind, create
from genbench.registry import REGISTRY, discover

__all__ = ["load_dataset", "load_model"]


def load_dataset(name: str, **params: Any) -> Any:
    """Return a dataset by name: `load_dataset("moons", noise=0.1)`.

    A synthetic one has `.sample(n, seed=0) -> [n, *shape]`, `.log_prob(x) -> [n]` in nats, `.entropy` in nats.

    Raises:
        GenbenchError: the name or a parameter is unknown, or a value is refused.
    """
    discover(groups=("datasets",))
    card = REGISTRY["datasets"][name]
    dataset: Dataset = create(card, bind(card, params))
    return dataset


def load_model(name: str, **params: Any) -> Estimator:
    """Return an unfitted model by name: `load_model("cfm", hidden=64).fit(x).sample(100)`.

    Raises:
        GenbenchError: the name or a parameter is unknown, or a value is refused.
    """
    discover(groups=("models",))
    return Estimator(REGISTRY["models"][name], params)
