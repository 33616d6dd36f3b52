"""genbench: generative models compared on problems where the truth is known."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genbench.core.notebook_views import TEXTS, VIEWS
from genbench.core.public_names import HOME, __version__

if TYPE_CHECKING:
    from genbench.api import load_classifier, load_dataset, load_model, load_run, run, score
    from genbench.contracts.classifier import Classifier
    from genbench.contracts.dataset import Dataset, SyntheticDataset, register_dataset
    from genbench.contracts.evidence import Evidence
    from genbench.contracts.metric import Score, register_metric
    from genbench.contracts.model import Model, register_model
    from genbench.contracts.recipe import Preset, Recipe
    from genbench.contracts.recorded_dataset import RecordedDataset
    from genbench.contracts.torch_model import TorchModel
    from genbench.core.search_ranges import Choices, LogRange, Range
    from genbench.estimator.estimator import Estimator
    from genbench.results import Run

__all__ = [
    "Choices",
    "Classifier",
    "Dataset",
    "Estimator",
    "Evidence",
    "LogRange",
    "Model",
    "Preset",
    "Range",
    "Recipe",
    "RecordedDataset",
    "Run",
    "Score",
    "SyntheticDataset",
    "TorchModel",
    "__version__",
    "load_classifier",
    "load_dataset",
    "load_model",
    "load_run",
    "register_dataset",
    "register_metric",
    "register_model",
    "run",
    "score",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import genbench` costs milliseconds."""
    if name not in HOME:
        raise AttributeError(f"module 'genbench' has no attribute '{name}'")
    return getattr(importlib.import_module(HOME[name]), name)


def __dir__() -> list[str]:
    return __all__


def _view(module: str, name: str) -> Callable[[Any], str]:
    """Return a function of the display, imported when it is first called."""

    def show(shown: Any) -> str:
        return str(getattr(importlib.import_module(module), name)(shown))

    return show


_NOTEBOOK = "genbench.display.notebook"
VIEWS |= {"Dataset": _view(_NOTEBOOK, "dataset_html"), "Leaderboard": _view(_NOTEBOOK, "board_html")}
TEXTS |= {"Leaderboard": _view("genbench.display.terminal", "board_text")}
