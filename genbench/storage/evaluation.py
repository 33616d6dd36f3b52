"""The results of metrics for a model: scores, standard errors, warnings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from genbench.storage.limits import Number, Scores, Spread, Whole

__all__ = ["Evaluation", "Flag"]


class Flag(BaseModel):
    """A warning that a reader should know before using a score.

    Attributes:
        seed: seed of the trial, in a row of several trials; None in a trial's own record.
        metric: the metric that raised it; "" for a warning of the model or the engine.
        text: the warning itself.
    """

    model_config = ConfigDict(frozen=True)

    seed: int | None = None
    metric: str = ""
    text: str

    def __str__(self) -> str:
        """Return the warning with the name of its metric, where the text does not hold it already."""
        return self.text if self.metric in self.text else f"{self.metric}: {self.text}"


class Evaluation(BaseModel):
    """The results of metrics.

    Attributes:
        metrics: value by name; None if a metric does not apply, failed, or is NaN. Infinity is a score, with a flag.
            In JSON it is the text "Infinity" or "-Infinity", see `genbench.core.strict_json`.
        standard_errors: standard error by name, of those metrics that have one.
        flags: warnings about scores.
        draws: scores of several independent sample sets by name. The oracle has them; its score is their mean.
        dim: coordinates of a sample; None in older files, and for tasks that score no samples.
    """

    metrics: Scores = {}
    standard_errors: dict[str, Spread] = {}
    flags: list[Flag] = []
    draws: dict[str, list[Number]] = {}
    dim: Whole | None = None

    @field_validator("flags", mode="before")
    @classmethod
    def _lines_as_flags(cls, flags: Any, info: ValidationInfo) -> Any:
        """Read the flags of older files: lines of text, which may begin with the name of their metric."""
        names = info.data.get("metrics", ())
        return [_flag(one, names) if isinstance(one, str) else one for one in flags]

    @classmethod
    def mean(cls, parts: Sequence[Evaluation]) -> Evaluation:
        """Return the mean of evaluations of independent samples.

        The standard error follows from their spread. A metric that does not use the samples keeps its standard error.
        """
        first = parts[0]
        flags = list(dict.fromkeys(flag for part in parts for flag in part.flags))
        combined = cls(metrics=first.metrics, standard_errors=first.standard_errors, flags=flags, dim=first.dim)
        for name in first.metrics:
            values = [value for part in parts if (value := part.metrics[name]) is not None]
            if len(values) < len(parts):
                combined.metrics[name] = None
                combined.standard_errors.pop(name, None)
            elif np.isinf(values).any():
                with np.errstate(invalid="ignore"):
                    mean = float(np.mean(values))  # of infinities of both signs NaN
                combined.metrics[name] = None if math.isnan(mean) else mean
                combined.standard_errors.pop(name, None)
            elif len(set(values)) > 1:
                combined.metrics[name] = float(np.mean(values))
                combined.standard_errors[name] = float(np.std(values, ddof=1) / np.sqrt(len(values)))
                combined.draws[name] = values
        return combined


def _flag(line: str, metrics: Iterable[str]) -> Flag:
    metric = next((name for name in metrics if re.match(rf"{re.escape(name)}\b", line)), "")
    return Flag(metric=metric, text=line.removeprefix(f"{metric}: "))
