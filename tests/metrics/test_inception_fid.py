"""The Fréchet distance in Inception's features, by torchmetrics; its network is replaced by a small one."""

import builtins

import numpy as np
import pytest
import torch

import genbench
from genbench.contracts.evidence import Evidence
from genbench.core.errors import GenbenchError
from genbench.metrics import inception_fid as module
from genbench.metrics.frechet import frechet_of


class Network(torch.nn.Module):
    """Twelve features of pictures in bytes: means of their quarters, a channel each."""

    num_features = 12

    def forward(self, x):
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        quarters = torch.nn.functional.adaptive_avg_pool2d(x.float(), 2).flatten(1)
        return quarters + 0.1 * quarters.square() / 255 * torch.arange(12)  # so that channels are no copies


def evidence(n=600, name="digits"):
    data = genbench.load_dataset(name)
    x = data.splits(0).train
    rng = np.random.default_rng(0)
    samples = np.clip(x[:n] + 0.1 * rng.random(x[:n].shape), 0, 0.999)
    return Evidence(data, samples.reshape(n, -1), x[-n:].reshape(n, -1), None, seed=0)


def test_it_is_the_frechet_distance_of_the_features(monkeypatch):
    fid = pytest.importorskip("torchmetrics.image.fid")
    monkeypatch.setattr(module, "_distance", lambda: fid.FrechetInceptionDistance(feature=Network()))
    given = evidence()

    def features(x):
        k = np.clip(np.floor(17 * x.reshape(-1, 1, 8, 8)), 0, 16) / 16
        pictures = torch.from_numpy((255 * k).round().astype(np.uint8)).expand(-1, 3, -1, -1)
        return Network()(pictures).double().numpy()

    assert module.inception_fid(given) == pytest.approx(
        frechet_of(features(given.samples), features(given.test)), rel=1e-3
    )


def test_without_the_library_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("torchmetrics"):
            raise ModuleNotFoundError("No module named 'torchmetrics'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(GenbenchError, match=r"No module named 'torchmetrics'.*pip install torchmetrics torch-fidelity"):
        module.inception_fid(evidence(20))


def test_it_is_computed_only_where_it_is_named():
    from genbench.core.registry import REGISTRY, discover

    discover(groups=("metrics",))
    card = REGISTRY["metrics"]["inception_fid"]
    assert card.variant
    assert card.needs == {"pictures"}
