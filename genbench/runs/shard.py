"""`--shard 3/10`: one of several equal parts of a plan, for several machines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from genbench.core.errors import GenbenchError, shown
from genbench.storage.records import TrialSpec

__all__ = ["Shard"]

T = TypeVar("T")

MOST = 100_000  # parts; by hand: more than any run has trials


@dataclass(frozen=True)
class Shard:
    """A part of a plan. All parts together are the plan, and no trial is in two parts.

    Attributes:
        number: number of the part, from 1.
        parts: number of parts.
    """

    number: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the part from its text, such as "3/10".

        Raises:
            GenbenchError: the text cannot be read, or there is no such part.
        """
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
        if match is None:
            raise GenbenchError(f"shard '{shown(text)}' cannot be read; write which part of how many: 3/10")
        number, parts = map(int, match.groups())
        if not 1 <= parts <= MOST or not 1 <= number <= parts:
            last = f"1/{parts} to {parts}/{parts}" if 1 <= parts <= MOST else f"1/10 to 10/10, of {MOST:,} at most"
            raise GenbenchError(f"shard '{shown(text)}' is out of range; parts are counted from 1: {last}")
        return cls(number, parts)

    def of(self, trials: Sequence[TrialSpec]) -> list[TrialSpec]:
        """Return the trials of this part, in their order.

        Trials are sorted by model, dataset and seed, and distributed one by one, so that parts differ by at most one
        trial. Each model begins with another dataset, and each pair of them with another seed, so that each part has
        all models, datasets and seeds, if there are enough trials.
        """
        groups: dict[tuple[str, str], dict[str, list[TrialSpec]]] = {}
        for spec in sorted(trials, key=lambda spec: spec.identity):
            groups.setdefault((spec.task, spec.model), {}).setdefault(spec.dataset, []).append(spec)
        dealt: list[TrialSpec] = []
        number = 0
        for i, datasets in enumerate(groups.values()):
            for seeds in _turned(list(datasets.values()), i):
                dealt += _turned(seeds, number)
                number += 1
        mine = {spec.key for spec in dealt[self.number - 1 :: self.parts]}
        return [spec for spec in trials if spec.key in mine]


def _turned(items: list[T], by: int) -> list[T]:
    """Return a list that begins further on, with what was left out at its end."""
    start = by % len(items)
    return items[start:] + items[:start]
