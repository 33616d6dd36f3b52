"""Couplings of the source points and the data points of a batch.

Tong et al. 2024; Pooladian et al. 2023.

Each function takes x0, x1 (b, d) and one parameter, and returns indices π (b,): x0[π(i)] is paired with x1[i].
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genbench.core.types import Array

__all__ = ["entropic_pairing", "optimal_pairing"]

SINKHORN_BLOCK = 128  # by hand: the plan has block² entries


def optimal_pairing(x0: Tensor, x1: Tensor, block: int) -> Tensor:
    """Return the permutation π (b,) that minimises Σᵢ ‖x0[π(i)] − x1[i]‖² in each block.

    The blocks are parts of the two batches. Between two sets of equally many, equally weighted points, an optimal plan
    is a permutation (Birkhoff), so each point is in exactly one pair. The solver is exact (scipy's shortest augmenting
    paths). Neighbouring points of both batches are distributed over different blocks, so that each block resembles the
    whole; `benchmarks/ot_coupling.py` measures the effect.

    Args:
        block: largest number of points in a block; the batch is cut into equal blocks. The work grows with block² b.

    Raises:
        ValueError: the two batches differ in shape, hold NaN or infinite values, or block is not positive.
    """
    from scipy.optimize import linear_sum_assignment

    source, data = _as_arrays(x0, x1, block)
    n, parts = len(data), -(-len(data) // block)
    if parts == 1:
        return torch.as_tensor(linear_sum_assignment(data @ source.T, maximize=True)[1], device=x1.device)
    along, across = torch.randn(2, source.shape[1], dtype=torch.float64, device="cpu").numpy()
    if len(along) > 1:
        across -= (across @ along) / (along @ along) * along
    source_order, data_order = (_by_neighbours(x @ along, x @ across, parts) for x in (source, data))
    source, data = source[source_order], data[data_order]
    pairing = np.empty(n, dtype=np.int64)
    for k in range(parts):
        block_of = slice(k, None, parts)
        # ‖x0 − x1‖² = ‖x0‖² + ‖x1‖² − 2 x0·x1, and the first two sum to the same for every π
        chosen = linear_sum_assignment(data[block_of] @ source[block_of].T, maximize=True)[1]
        pairing[data_order[block_of]] = source_order[block_of][chosen]
    return torch.as_tensor(pairing, device=x1.device)


def _by_neighbours(x: Array, y: Array, cell: int) -> NDArray[np.intp]:
    """Return the order of points x (b,), y (b,) in which each `cell` of them lie together: by columns, each upwards."""
    columns = round(math.sqrt(len(x) / cell))
    column = np.empty(len(x), dtype=np.intp)
    column[x.argsort()] = np.arange(len(x)) // (cell * -(-len(x) // (cell * columns)))
    return np.lexsort((y, column))


def entropic_pairing(x0: Tensor, x1: Tensor, sigma: float) -> Tensor:
    """Return indices π (b,) drawn from the entropic plan between the two batches, given x1.

    The plan minimises E ‖x0 − x1‖² with entropy of weight 2σ²: the static Schrödinger bridge of Brownian motion with
    variance σ² > 0 (Tong et al. 2024, §3.2.4), by POT's Sinkhorn iterations in float64, in blocks of at most 128
    points.

    Raises:
        ValueError: the two batches differ in shape, or σ is so small that the iterations fail.
    """
    import ot

    source, data = _as_arrays(x0, x1, SINKHORN_BLOCK)
    parts = []
    for start in range(0, len(data), SINKHORN_BLOCK):
        part = slice(start, start + SINKHORN_BLOCK)
        cost = ot.dist(data[part], source[part])  # squared Euclidean
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                plan = ot.sinkhorn([], [], cost, reg=2 * sigma**2, numItermax=2000, stopThr=1e-4)
            except (UserWarning, RuntimeWarning) as error:
                raise ValueError(
                    f"sigma={sigma} is too small for the Sinkhorn iterations ({error}); take a larger one, or ot_cfm"
                ) from None
        parts.append(start + torch.multinomial(torch.from_numpy(plan), 1).squeeze(1))
    return torch.cat(parts).to(x1.device)


def _as_arrays(x0: Tensor, x1: Tensor, block: int) -> tuple[Array, Array]:
    """Return both batches (b, d) as float64 arrays; a ValueError if they differ in shape or block is not positive."""
    if x0.shape != x1.shape:
        raise ValueError(f"x0 {tuple(x0.shape)} and x1 {tuple(x1.shape)} must have the same shape")
    if block < 1:
        raise ValueError(f"block={block} must be at least 1")
    return x0.detach().cpu().double().numpy(), x1.detach().cpu().double().numpy()
