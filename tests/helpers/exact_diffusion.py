"""A diffusion whose network is the exact one of Gaussian data, or any other known function."""

import torch
from torch.distributions import MultivariateNormal

from genbench.models.ddpm import DDPM
from genbench.nn.time_network import TimeNetwork

MEAN = torch.tensor([0.3, -0.2])
COVARIANCE = torch.tensor([[1.2, 0.7], [0.7, 0.8]])
TRUTH = MultivariateNormal(MEAN, COVARIANCE)


class Exact(TimeNetwork):
    """E[ε | x], E[x_0 | x] or E[v | x] at x = cos φ x_0 + sin φ ε for data from N(m, C), by C = U diag(λ) Uᵀ."""

    def __init__(self, prediction, mean=MEAN, covariance=COVARIANCE):
        super().__init__()
        self.prediction, self.mean = prediction, mean
        self.eigenvalues, self.U = torch.linalg.eigh(covariance)

    def field(self, x, t, labels):
        angle = (8 * t - 4.8).exp().atan()  # the network is told t = (¼ ln tan φ + 1.2) / 2
        c, s = angle.cos(), angle.sin()
        inner = (x - c * self.mean) @ self.U / (c**2 * self.eigenvalues + s**2)
        x0 = self.mean + (c * inner * self.eigenvalues) @ self.U.T
        noise = (s * inner) @ self.U.T
        return {"epsilon": noise, "x0": x0, "v": c * noise - s * x0}[self.prediction]


def untrained(network, **params):
    """A model whose network is a known function of (x, t)."""
    model = DDPM(**params)
    model.shape = (2,)
    model.network = network
    return model
