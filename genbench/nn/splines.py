"""Monotone rational-quadratic splines (Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows")."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["MIN_BIN", "MIN_SLOPE", "Knots", "knots", "spline", "spline_inverse"]

MIN_BIN = 1e-3  # smallest width and height of a bin, as a share of the spline's interval
MIN_SLOPE = 1e-3
_UNIT_SLOPE = math.log(math.expm1(1 - MIN_SLOPE))  # softplus(_UNIT_SLOPE) + MIN_SLOPE = 1


class Knots(NamedTuple):
    """Knots of splines with K bins: positions x and values y in `grid` (..., 2, K + 1), and `slope` (..., K + 1)."""

    grid: Tensor
    slope: Tensor


def knots(parameters: Tensor, bound: float) -> Knots:
    """Turn free parameters into knots on [−bound, bound]²; all zeros give the identity (section 3.1).

    Args:
        parameters: ``(..., 3K − 1)``: K widths, K heights, K − 1 inner slopes, all unconstrained. The slopes at both
            ends are 1, which joins the spline smoothly to the identity outside.
        bound: Half the length of the interval, in the units of x.
    """
    bins = (parameters.shape[-1] + 1) // 3
    sizes, slopes = parameters.split([2 * bins, bins - 1], dim=-1)
    shares = MIN_BIN + (1 - MIN_BIN * bins) * sizes.unflatten(-1, (2, bins)).softmax(dim=-1)
    inner = 2 * bound * shares[..., :-1].cumsum(dim=-1) - bound
    grid = functional.pad(functional.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)  # exact: tails hang on it
    slope = functional.softplus(slopes + _UNIT_SLOPE) + MIN_SLOPE
    return Knots(grid, functional.pad(slope, (1, 1), value=1.0))


class _Bin(NamedTuple):
    """The bin that a point lies in: lower corner, width, height, mean slope s, and the slopes at its two ends."""

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    s: Tensor
    slope: Tensor
    next_slope: Tensor


def _locate(value: Tensor, axis: int, k: Knots) -> _Bin:
    """Return the bin of each value (...), read as a position (axis 0) or as a value (axis 1) of its spline."""
    left = (value.unsqueeze(-1) >= k.grid[..., axis, 1:-1]).sum(dim=-1, keepdim=True)  # (..., 1)
    ends = torch.cat([left, left + 1], dim=-1)  # (..., 2)
    corners = k.grid.gather(-1, ends.unsqueeze(-2).expand(*ends.shape[:-1], 2, 2))  # (..., 2 axes, 2 ends)
    x, y = corners[..., 0].unbind(-1)
    width, height = (corners[..., 1] - corners[..., 0]).unbind(-1)
    slope, next_slope = k.slope.gather(-1, ends).unbind(-1)
    return _Bin(x, y, width, height, height / width, slope, next_slope)


def spline(x: Tensor, k: Knots, bound: float) -> tuple[Tensor, Tensor]:
    """Map points through their splines, and through the identity outside [−bound, bound].

    The spline fixes its ends with slope 1, so the overhang past an end is added to the image of that end.

    Args:
        x: Points, any shape (...).
        k: One spline a point.
        bound: The bound that the knots were made with.

    Returns:
        y (...) by equation 4, and log dy/dx (...) in nats by equation 5.
    """
    clamped = x.clamp(-bound, bound)
    bin = _locate(clamped, 0, k)
    xi = (clamped - bin.x) / bin.width
    mix = xi * (1 - xi)
    denominator = bin.s + (bin.next_slope + bin.slope - 2 * bin.s) * mix
    y = bin.y + bin.height * (bin.s * xi * xi + bin.slope * mix) / denominator
    return y + (x - clamped), _log_slope(xi, mix, denominator, bin)


def spline_inverse(y: Tensor, k: Knots, bound: float) -> tuple[Tensor, Tensor]:
    """Map points back through their splines: the inverse of `spline`.

    The root of aξ² + bξ + c = 0 (equations 6 to 8) is taken as 2c / (−b − √(b² − 4ac)), which does not cancel. The
    discriminant is not negative in exact arithmetic, and clamped so that rounding cannot make it so.

    Returns:
        x (...), and log dx/dy (...) in nats.
    """
    clamped = y.clamp(-bound, bound)
    bin = _locate(clamped, 1, k)
    rise, bend = clamped - bin.y, bin.next_slope + bin.slope - 2 * bin.s
    a = bin.height * (bin.s - bin.slope) + rise * bend
    b = bin.height * bin.slope - rise * bend
    c = -bin.s * rise
    xi = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
    mix = xi * (1 - xi)
    x = bin.x + xi * bin.width
    return x + (y - clamped), -_log_slope(xi, mix, bin.s + bend * mix, bin)


def _log_slope(xi: Tensor, mix: Tensor, denominator: Tensor, bin: _Bin) -> Tensor:
    """Log dy/dx at the relative position ξ in a bin (equation 5), where mix = ξ(1 − ξ)."""
    rest = 1 - xi
    numerator = bin.next_slope * xi * xi + 2 * bin.s * mix + bin.slope * rest * rest
    return 2 * (bin.s / denominator).log() + numerator.log()
