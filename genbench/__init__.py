"""genbench: generative models compared on problems where the truth is known."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genbench.api import load_classifier, load_dataset, load_model, load_run, run
    from genbench.classifier import Classifier
    from genbench.dataset import Dataset, RecordedDataset, SyntheticDataset, register_dataset
    from genbench.estimator import Estimator
    from genbench.metric import Evidence, register_metric
    from genbench.model import Model, register_model
    from genbench.recipe import Preset, Recipe
    from genbench.results import Run
    from genbench.torch_model import TorchModel

__version__ = "0.1.0"

_HOMES = {
    "api": ("load_classifier", "load_dataset", "load_model", "load_run", "run"),
    "classifier": ("Classifier",),
    "dataset": ("Dataset", "RecordedDataset", "SyntheticDataset", "register_dataset"),
    "estimator": ("Estimator",),
    "metric": ("Evidence", "register_metric"),
    "model": ("Model", "register_model"),
    "results": ("Run",),
    "torch_model": ("TorchModel",),
    "recipe": ("Preset", "Recipe"),
}
HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Classifier",
    "Dataset",
    "Estimator",
    "Evidence",
    "Model",
    "Preset",
    "Recipe",
    "RecordedDataset",
    "Run",
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
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import genbench` costs milliseconds."""
    if name not in HOME:
        raise AttributeError(f"module 'genbench' has no attribute '{name}'")
    return getattr(importlib.import_module(f"genbench.{HOME[name]}"), name)
