"""Monotone rational-quadratic splines.

See Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows". Bins are the first dimension of every tensor,
because softmax and softplus along a short last dimension are slower.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["MIN_BIN", "MIN_SLOPE", "Knots", "knots", "spline", "spline_inverse"]

MIN_BIN = 1e-3  # nflows, Durkan et al.'s code: smallest width and height of a bin, as a share of the spline's interval
MIN_SLOPE = 1e-3  # as there
_UNIT_SLOPE = math.log(math.expm1(1 - MIN_SLOPE))  # softplus(_UNIT_SLOPE) + MIN_SLOPE = 1


class Knots(NamedTuple):
    """Knots of splines with K bins: positions `grid` (2, K + 1, ...), slopes (K + 1, ...).

    `grid` has the positions x and the values y.
    """

    grid: Tensor
    slope: Tensor


def knots(parameters: Tensor, bound: float) -> Knots:
    """Return knots on [−bound, bound]² from free parameters; all 0 give the identity.

    See section 3.1.

    Args:
        parameters: ``(3K − 1, ...)``: K widths, K heights, K − 1 inner slopes, all unconstrained. The slopes at both
            ends are 1, which joins the spline smoothly to the identity outside.
        bound: Half the length of the interval, in the units of x.
    """
    bins, rest = (len(parameters) + 1) // 3, parameters.shape[1:]
    flat = parameters.reshape(len(parameters), -1)
    sizes, slopes = flat.split([2 * bins, bins - 1])
    shares = sizes.unflatten(0, (2, bins)).softmax(dim=1)
    before = torch.ones(bins, bins, dtype=flat.dtype).tril(-1)  # row k sums the shares of the bins before k
    least = 2 * bound * MIN_BIN * torch.arange(bins, dtype=flat.dtype) - bound
    room = 2 * bound * (1 - MIN_BIN * bins)
    grid = torch.baddbmm(least[:, None], before.expand(2, -1, -1), shares, alpha=room)
    grid = functional.pad(grid, (0, 0, 0, 1), value=bound)  # exact at both ends: the tails depend on it
    slope = functional.pad(functional.softplus(slopes + _UNIT_SLOPE) + MIN_SLOPE, (0, 0, 1, 1), value=1.0)
    return Knots(grid.reshape(2, -1, *rest), slope.reshape(-1, *rest))


class _Bin(NamedTuple):
    """The bin that a point lies in: lower corner, width, height, and the slopes at its two ends."""

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    slope: Tensor
    next_slope: Tensor


def _locate(value: Tensor, axis: int, k: Knots) -> _Bin:
    """Return the bin of each value (...), read as a position (axis 0) or as a value (axis 1) of its spline."""
    left = (value >= k.grid[axis, 1:-1]).sum(dim=0, keepdim=True)  # (1, ...)
    ends = torch.cat([left, left + 1])  # (2, ...)
    corners = k.grid.gather(1, ends.expand(2, *ends.shape))  # (2 axes, 2 ends, ...)
    x, y = corners[:, 0].unbind()
    width, height = (corners[:, 1] - corners[:, 0]).unbind()
    slope, next_slope = k.slope.gather(0, ends).unbind()
    return _Bin(x, y, width, height, slope, next_slope)


def spline(x: Tensor, k: Knots, bound: float) -> tuple[Tensor, Tensor]:
    """Return y (...) and log dy/dx (...) in nats of points x (...), one spline for each.

    They follow equations 4 and 5. Outside [−bound, bound] it is the identity: the spline maps its ends to themselves
    with slope 1, so the distance beyond an end is added to the image of that end.
    """
    clamped = x.clamp(-bound, bound)
    bin = _locate(clamped, 0, k)
    rise, log_slope = _Rise.apply(clamped - bin.x, bin.width, bin.height, bin.slope, bin.next_slope)
    return bin.y + rise + (x - clamped), log_slope


class _Rise(torch.autograd.Function):
    """Rise above the lower corner of a bin, and log-slope, u to the right of that corner (equations 4 and 5).

    The derivatives are written out: autograd is slower, as it goes back through forty small operations.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, width: Tensor, height: Tensor, slope: Tensor, next_slope: Tensor
    ) -> tuple[Tensor, Tensor]:
        xi, s = u / width, height / width
        rest = 1 - xi
        mix, square = xi * rest, xi * xi
        d = s + (next_slope + slope - 2 * s) * mix
        p = next_slope * square + 2 * s * mix + slope * rest * rest
        share = (s * square + slope * mix) / d
        ctx.save_for_backward(width, height, slope, next_slope, xi, s, rest, mix, square, d, p, share)
        return height * share, (s * s * p / (d * d)).log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_rise: Tensor, to_log: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        width, height, slope, next_slope, xi, s, rest, mix, square, d, p, share = ctx.saved_tensors
        turn, by_p = rest - xi, to_log / p  # dmix/dξ, dlog p
        by_d = -(to_rise * height * share + 2 * to_log) / d  # through 1/d of both outputs
        by_n = to_rise * height / d  # through the numerator s ξ² + slope·mix of the rise
        through_mix = by_d * mix
        to_slope = by_n * mix + through_mix + by_p * rest * rest
        to_next = through_mix + by_p * square
        to_s = by_n * square + by_d * (1 - 2 * mix) + 2 * by_p * mix + 2 * to_log / s
        to_mix = by_n * slope + by_d * (next_slope + slope - 2 * s) + 2 * s * by_p
        to_xi = to_mix * turn + 2 * (by_n * s * xi + by_p * (next_slope * xi - slope * rest))
        to_u = to_xi / width
        to_width = -to_u * xi - to_s * s / width
        return to_u, to_width, to_rise * share + to_s / width, to_slope, to_next


def spline_inverse(y: Tensor, k: Knots, bound: float) -> tuple[Tensor, Tensor]:
    """Return x (...), and log dx/dy (...) in nats: the inverse of `spline`.

    The root of aξ² + bξ + c = 0 (equations 6 to 8) is computed as 2c / (−b − √(b² − 4ac)), in which no digits cancel.
    The discriminant is not negative in exact arithmetic; it is clamped, because rounding could make it negative.
    """
    clamped = y.clamp(-bound, bound)
    bin = _locate(clamped, 1, k)
    s = bin.height / bin.width
    rise, bend = clamped - bin.y, bin.next_slope + bin.slope - 2 * s
    a = bin.height * (s - bin.slope) + rise * bend
    b = bin.height * bin.slope - rise * bend
    c = -s * rise
    xi = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
    u = xi * bin.width
    _, log_slope = _Rise.apply(u, bin.width, bin.height, bin.slope, bin.next_slope)
    return bin.x + u + (y - clamped), -log_slope
