"""Rows that equal others: copies, which must not be in train and test at once, or values that recur by nature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genbench.numerics.grid import resolution

__all__ = ["Repeats", "find_repeats", "split_together"]

FACTOR = 10  # times the pairs that chance makes are more than chance; by hand
FEW = 4  # rows to each distinct one, at most, where keeping them together does no harm; by hand
LEAST = 10  # distinct rows that can be split into three parts
ATOM, COMMON = 10.0, 0.01  # times a mean group, and share of all rows, from which on a value is an atom; by hand


@dataclass(frozen=True)
class Repeats:
    """Which rows equal others.

    Attributes:
        groups: [n], numbers that rows share that have to stay together.
        kind: "none"; "natural" for values on a coarse grid; "copies"; "unclear" for too many to be of chance on a grid
            too coarse to keep them together.
        share: part of the rows that equal another one.
        distinct: number of distinct rows.
    """

    groups: NDArray[np.int64]
    kind: Literal["none", "natural", "copies", "unclear"]
    share: float
    distinct: int


def find_repeats(x: NDArray[Any]) -> Repeats:
    """Tell copies from values that recur by nature, among rows x [n, ...].

    A column whose middle half is w wide and lies on a grid of step h has two equal values at random with a probability
    of about t = 1 / (1 + 2 w / h), which is exact for evenly spread ones, and with at least that of two distinct rows.
    Of all n (n − 1) / 2 pairs of rows, chance then makes the product of the columns' t equal if they are independent,
    and the smallest t at most, however they depend on each other. Equal pairs that are no more than 10 times the former
    are natural. More are copies if they are more than 10 times the latter, too, or if there are at most 4 rows to each
    distinct one, so that splits of whole groups differ little from others; else it is unclear. A row 10 times as
    frequent as the mean one that makes up 1 % of all is an atom of the distribution, as the zeros of rainfall are, and
    does not count.
    """
    ids = _equal(x)
    n, sizes = len(ids), np.bincount(ids)
    apart = np.arange(n)
    share = float(sizes[sizes > 1].sum() / n)
    atoms = sizes > max(ATOM * n / len(sizes), COMMON * n)
    sizes = np.where(atoms, 1, sizes)
    equal = float((sizes * (sizes - 1) / 2).sum())
    if not share:
        return Repeats(apart, "none", 0.0, n)
    usual = ~atoms[ids]
    first = np.zeros(n, dtype=bool)
    first[np.unique(ids, return_index=True)[1]] = True
    flat = x.reshape(n, -1)
    chance = _chances(flat[usual], flat[usual & first])
    pairs = n * (n - 1) / 2
    if equal <= FACTOR * pairs * math.prod(chance) or len(sizes) < LEAST:
        return Repeats(apart, "natural", share, len(sizes))
    if equal > FACTOR * pairs * min(chance, default=1.0) or n <= FEW * len(sizes):
        return Repeats(np.where(atoms[ids], len(sizes) + apart, ids), "copies", share, len(sizes))
    return Repeats(apart, "unclear", share, len(sizes))


def split_together(order: NDArray[np.int64], groups: NDArray[np.int64], held_out: int) -> list[NDArray[np.int64]]:
    """Return test, validation and train out of rows in random order, with the rows of a group in one of them.

    Group by group in that order, each goes to test if it fits into `held_out` rows, else to validation if it fits
    there, else to train. Groups of one row fill them one after the other. If nothing fits into one, groups are ignored.
    """
    part = np.full(len(order), -1)  # by group, of those that occur
    names, firsts, ids, sizes = np.unique(groups[order], return_index=True, return_inverse=True, return_counts=True)
    room = [held_out, held_out, len(order)]
    for group in np.argsort(firsts):
        part[group] = next(k for k in range(3) if sizes[group] <= room[k])
        room[part[group]] -= sizes[group]
    parts = [order[part[ids] == k] for k in range(3)]
    if len(names) == len(order) or not all(len(rows) for rows in parts):
        return np.split(order, [held_out, 2 * held_out])
    return parts


def _equal(x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of each row's value [n], in order of their first rows."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1)) + 0  # −0 becomes 0
    seen: dict[bytes, int] = {}
    digests = (blake2b(row, digest_size=16).digest() for row in rows)
    return np.array([seen.setdefault(digest, len(seen)) for digest in digests], dtype=np.int64)


def _chances(x: NDArray[Any], distinct: NDArray[Any]) -> list[float]:
    """Return for each column of x [n, d] the probability that two values are equal at random."""
    if not x.size:
        return [1.0]
    m = len(distinct)
    counts = [np.unique(column, return_counts=True)[1] for column in distinct.T]
    ties = [float((count * (count - 1)).sum()) / max(m * (m - 1), 1) for count in counts]
    values = x.astype(np.float64)
    low, high = np.percentile(values, (25, 75), axis=0)
    step = resolution(values)
    smooth = [1 / (1 + 2 * w / h) if h else 1.0 for w, h in zip(high - low, step, strict=True)]
    return list(map(max, smooth, ties))
