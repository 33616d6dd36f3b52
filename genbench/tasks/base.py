"""What a task returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from genbench.storage.evaluation import Flag
from genbench.storage.records import Cost

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """What a task returns: scores by name (None where a metric does not apply), costs, and what is kept on disk."""

    metrics: dict[str, float | None]
    standard_errors: dict[str, float] = field(default_factory=dict)
    flags: list[Flag] = field(default_factory=list)
    diagnostics: dict[str, float] = field(default_factory=dict)
    likelihood: str = "none"
    history: list[dict[str, float]] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)
    draws: dict[str, list[float]] = field(default_factory=dict)
    nested: dict[str, list[list[float]]] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
