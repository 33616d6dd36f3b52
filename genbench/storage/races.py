"""How the seeds of a table were selected by a race: a part of run.json."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = ["Look", "Race"]


class Look(BaseModel):
    """One look at the scores of a table.

    Attributes:
        seeds: number of seeds of the models that were still running.
        alpha: error probability of the verdicts at this look; the sum over all looks is at most 0.05.
        dropped: models that were found worse.
        open: models that may be the best and may be worse.
    """

    seeds: int
    alpha: float
    dropped: list[str] = []
    open: list[str] = []


class Race(BaseModel):
    """The looks at one table, see `genbench.statistics.racing`.

    Attributes:
        metric: the metric of the verdicts; None until there are scores.
        margin: how much worse than the best a model may be and still count as good, as typed; None for the metric's
            own.
        ended: why no more seeds were added; "" until then.
    """

    metric: str | None = None
    margin: str | None = None
    looks: list[Look] = []
    ended: str = ""

    @property
    def dropped(self) -> frozenset[str]:
        """The models that were found worse; this does not change later."""
        return frozenset(model for look in self.looks for model in look.dropped)
