"""Invertible layers between couplings: normalisation, scaling, and mixing of coordinates.

Each has `forward` and `inverse`. Both return points (b, d) and a log-determinant (b,) in nats.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MIXINGS", "ActNorm", "LinearMap", "Permutation", "Rotation", "Scaling"]


class ActNorm(nn.Module):
    """y = x·exp(s) + t for each of d coordinates (Glow, 3.1).

    `initialise` gives points mean 0 and standard deviation 1.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(d))
        self.shift = nn.Parameter(torch.zeros(d))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Set scale and shift from points x (n, d).

        A coordinate that hardly varies keeps its scale.
        """
        deviation = x.std(dim=0, correction=0)
        self.log_scale.copy_(-torch.where(deviation > 1e-6, deviation, 1.0).log())
        self.shift.copy_(-x.mean(dim=0) * self.log_scale.exp())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.addcmul(self.shift, x, self.log_scale.exp()), self.log_scale.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return (y - self.shift) * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(y))


class Scaling(nn.Module):
    """y = x·exp(s) for each of d coordinates: NICE's last layer (section 3.3).

    NICE's couplings alone preserve the volume.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return y * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(y))


class Permutation(nn.Module):
    """A fixed order (d,) of the coordinates: the index in x of each coordinate of y."""

    order: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        self.register_buffer("order", order)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, self.order], x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return y[:, self.order.argsort()], y.new_zeros(len(y))


class LinearMap(nn.Module):
    """y = LUPx: P is a random permutation, L unit lower and U upper triangular, both learned.

    See Glow, equations 10 and 11. It starts as the permutation. The logarithms of U's diagonal are parameters, so it
    stays invertible.

    Args:
        permuted: whether there is a P. Not for independent axes, which come in an order that halves suit
            (`genbench.numerics.independent_axes`).
    """

    eye: Tensor

    def __init__(self, d: int, permuted: bool = True) -> None:
        super().__init__()
        self.permutation = Permutation(torch.randperm(d)) if d > 2 and permuted else None  # two are transformed in turn
        self.off_diagonal = nn.Parameter(torch.zeros(d, d))
        self.log_diagonal = nn.Parameter(torch.zeros(d))
        self.register_buffer("eye", torch.eye(d))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        lower, upper = self._factors()
        x = x if self.permutation is None else self.permutation(x)[0]
        return functional.linear(x, lower @ upper), self.log_diagonal.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        lower, upper = self._factors()
        z = torch.linalg.solve_triangular(lower, y.T, upper=False, unitriangular=True)
        x = torch.linalg.solve_triangular(upper, z, upper=True).T
        x = x if self.permutation is None else self.permutation.inverse(x)[0]
        return x, -self.log_diagonal.sum().expand(len(y))

    def _factors(self) -> tuple[Tensor, Tensor]:
        upper = torch.addcmul(self.off_diagonal.triu(1), self.eye, self.log_diagonal.exp())
        return self.off_diagonal.tril(-1) + self.eye, upper


class Rotation(nn.Module):
    """y = Qx with a learned rotation Q = (I − S)⁻¹(I + S), S = A − Aᵀ (Cayley).

    It starts at random.
    """

    eye: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        self.generator = nn.Parameter(torch.randn(d, d))
        self.register_buffer("eye", torch.eye(d), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self._matrix().T, x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return y @ self._matrix(), y.new_zeros(len(y))

    def _matrix(self) -> Tensor:
        skew = self.generator - self.generator.T
        return torch.linalg.solve(self.eye - skew, self.eye + skew)


MIXINGS: dict[str, Callable[[int], nn.Module]] = {
    "linear": LinearMap,
    "permutation": lambda d: Permutation(torch.randperm(d)),
    "rotation": Rotation,
}
