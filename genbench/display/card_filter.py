"""The filter of lists of plugins: by family, by kind of data, by what a model can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.registry import REGISTRY, slug
from genbench.core.types import KINDS

__all__ = ["Filter"]


@dataclass(frozen=True)
class Filter:
    """The conditions that listed plugins meet.

    Attributes:
        family: the family of the plugins; "" for any.
        kind: the kind of data of a dataset, or that a model accepts; "" for any.
        can: what a model can do, by names of `genbench.downstream.capabilities`.
    """

    family: str = ""
    kind: str = ""
    can: Sequence[str] = ()

    @property
    def narrows(self) -> bool:
        """Whether the filter leaves anything out."""
        return self != Filter()

    def of(self, group: str) -> list[Any]:
        """Return the cards of a group ("models", …) that pass the filter, by family and name.

        Raises:
            GenbenchError: no plugin has that family or kind, there is no such capability, or it is not of this group.
        """
        self._check(group)
        found = [card for card in REGISTRY[group].cards.values() if self._passes(card)]
        return sorted(found, key=lambda card: (card.family, card.name))

    def _passes(self, card: Any) -> bool:
        if self.family and slug(card.family) != slug(self.family):
            return False
        if self.kind and self.kind not in getattr(card, "kinds", (getattr(card, "kind", ""),)):
            return False
        if not self.can:
            return True
        from genbench.downstream.capabilities import capabilities

        able = capabilities(card)
        return all(able[name] for name in self.can)

    def _check(self, group: str) -> None:
        families = REGISTRY[group].families
        if self.family and slug(self.family) not in families:
            raise GenbenchError(f"no family '{shown(self.family)}' of {group}{nearest(slug(self.family), families)}")
        if self.kind and group == "metrics":
            raise GenbenchError(
                "--kind is for models and datasets, not for metrics; leave it out: the list has a column of what a "
                "metric needs"
            )
        if self.kind and self.kind not in KINDS:
            raise GenbenchError(f"no kind '{shown(self.kind)}' of data{nearest(self.kind, list(KINDS))}")
        if self.can and group != "models":
            raise GenbenchError(
                f"--can is for models, not for {group}; write: genbench list models --can {self.can[0]}"
            )
        if not self.can:
            return
        from genbench.downstream.capabilities import CAPABILITIES

        for name in self.can:
            if name not in CAPABILITIES:
                raise GenbenchError(f"no capability '{shown(name)}'{nearest(name, list(CAPABILITIES))}")
