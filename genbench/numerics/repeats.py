"""Rows that are equal: copies, or values that recur naturally.

Copies must not be in training and test points at once.
"""

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
    """The rows that are equal to others.

    Attributes:
        groups: number of the group of each row [n]; rows of a group must stay together.
        kind: "none"; "natural" for values on a coarse grid; "copies"; "unclear" for too many to be chance, on a grid
            that is too coarse to keep them together.
        share: share of the rows that are equal to another row.
        distinct: number of distinct rows.
    """

    groups: NDArray[np.int64]
    kind: Literal["none", "natural", "copies", "unclear"]
    share: float
    distinct: int


def find_repeats(x: NDArray[Any]) -> Repeats:
    """Distinguish copies from values that recur naturally, among rows x [n, ...].

    In a column whose middle half has the width w, on a grid of step h, two random values are equal with a probability
    of about t = 1 / (1 + 2 w / h), which is exact for a uniform distribution, and at least with that of two distinct
    rows. Among all n (n − 1) / 2 pairs of rows, the expected share of equal ones is the product of the columns' t if
    columns are independent, and at most the smallest t, however they depend on each other. Equal pairs are natural if
    they are at most 10 times the first number. More are copies if they are also more than 10 times the second number,
    or if there are at most 4 rows for each distinct one, so that splits of whole groups differ little from others.
    Otherwise it is unclear. A row that is 10 times as frequent as the mean one and makes up 1 % of all is an atom of
    the distribution, like the zeros of rainfall, and does not count.
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
    """Return the indices of test, validation and training rows; groups stay together.

    `order` is a random order of the rows. In that order, each group goes to test if it fits into `held_out` rows, else
    to validation if it fits there, else to training. Groups of one row fill the parts one after the other. If nothing
    fits into a part, groups are ignored.
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
