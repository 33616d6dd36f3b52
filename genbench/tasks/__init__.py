"""What a trial does: one module a task, with a function `run(spec, stage, conditions) -> Outcome`.

A task that not every dataset and model can do also has `check_data(dataset)`, which raises a GenbenchError that says
what the data lack, or `obstacle(card, model, dataset) -> str`, why a model cannot do it, empty if it can; the model is
created and not fitted.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from genbench.errors import GenbenchError, nearest
from genbench.record import Cost

__all__ = ["Outcome", "task_module"]


def task_module(name: str) -> ModuleType:
    """Return the module of a task.

    Raises:
        GenbenchError: there is none of that name.
    """
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in known:
        raise GenbenchError(f"no task '{name}'{nearest(name, known)}; `genbench run --help` lists them")
    return importlib.import_module(f"{__name__}.{name}")


@dataclass
class Outcome:
    """What a task returns: scores by name (None where a metric does not apply), costs, and what is kept on disk."""

    metrics: dict[str, float | None]
    standard_errors: dict[str, float] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    diagnostics: dict[str, float] = field(default_factory=dict)
    likelihood: str = "none"
    history: list[dict[str, float]] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)
    draws: dict[str, list[float]] = field(default_factory=dict)
    nested: dict[str, list[list[float]]] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
