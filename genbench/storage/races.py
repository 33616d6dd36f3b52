"""How the seeds of a table were decided on, where a run was not asked for a number of them: part of its run.json."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = ["Look", "Race"]


class Look(BaseModel):
    """One time that the scores of a table were looked at.

    Attributes:
        seeds: of the models that were still running.
        alpha: how often the verdicts may fail at this look; over all looks, the sum is at most 0.05.
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
        metric: by which verdicts were asked for; None until there are scores.
        margin: how much worse than the best a model may be and still be as good, as typed; None for the metric's own.
        ended: why no more seeds were added; empty until then.
    """

    metric: str | None = None
    margin: str | None = None
    looks: list[Look] = []
    ended: str = ""

    @property
    def dropped(self) -> frozenset[str]:
        """The models that were found worse; they stay so."""
        return frozenset(model for look in self.looks for model in look.dropped)
