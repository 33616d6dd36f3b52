"""The source of a flow: standard normal noise, or any dataset with a known sampler."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from genbench.nn.ode import standard_normal

__all__ = ["DatasetSource", "NormalSource", "Source", "source_distribution"]


class Source(Protocol):
    """A distribution over points (d,)."""

    def sample(self, n: int) -> Tensor:
        """Return independent draws (n, d) from torch's global generator."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log-density (b,) in nats of points (b, d)."""


class NormalSource:
    """N(0, I) in d dimensions."""

    def __init__(self, d: int) -> None:
        self.d = d

    def sample(self, n: int) -> Tensor:
        return torch.randn(n, self.d)

    def log_prob(self, z: Tensor) -> Tensor:
        return standard_normal(z)


class DatasetSource:
    """A synthetic dataset in its own units, standardised by 20,000 draws with a fixed seed."""

    def __init__(self, spec: str, d: int) -> None:
        from genbench.contracts.dataset import Dataset, SyntheticDataset
        from genbench.core.parameters import bind, create
        from genbench.core.registry import REGISTRY, discover
        from genbench.core.selection import parse
        from genbench.numerics.standardiser import Standardiser

        discover(groups=("datasets",))
        chosen = parse(spec)
        card = REGISTRY["datasets"][chosen.name]
        dataset: Dataset = create(card, bind(card, chosen.params))
        if not isinstance(dataset, SyntheticDataset) or dataset.shape != (d,):
            raise ValueError(f"source={spec} must be a synthetic dataset of shape ({d},), like the data")
        self.dataset = dataset
        self.units = Standardiser.fit(dataset.sample(20_000, seed=0))

    def sample(self, n: int) -> Tensor:
        x = self.dataset.sample(n, seed=int(torch.randint(2**31, ())))
        return torch.tensor(self.units.forward(x), dtype=torch.float32)

    def log_prob(self, z: Tensor) -> Tensor:
        log_p = self.dataset.log_prob(self.units.inverse(z.cpu().double().numpy())) - self.units.log_det
        return torch.tensor(log_p, dtype=z.dtype, device=z.device)


def source_distribution(name: str, d: int) -> Source:
    """Return the source called "noise", or the one of a dataset: "moons[noise=0.1]".

    Raises:
        ValueError: the dataset has another shape, or no sampler.
        GenbenchError: there is no such dataset.
    """
    return NormalSource(d) if name == "noise" else DatasetSource(name, d)
