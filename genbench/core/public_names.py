"""The version, and the module that defines each public name."""

from __future__ import annotations

__all__ = ["HOME", "__version__"]

__version__ = "0.1.0"

_HOMES = {
    "genbench.api": ("load_classifier", "load_dataset", "load_model", "load_run", "run", "score"),
    "genbench.contracts.classifier": ("Classifier",),
    "genbench.contracts.dataset": ("Dataset", "SyntheticDataset", "register_dataset"),
    "genbench.contracts.recorded_dataset": ("RecordedDataset",),
    "genbench.contracts.evidence": ("Evidence",),
    "genbench.contracts.metric": ("Score", "register_metric"),
    "genbench.contracts.model": ("Model", "register_model"),
    "genbench.contracts.recipe": ("Preset", "Recipe"),
    "genbench.contracts.torch_model": ("TorchModel",),
    "genbench.core.search_ranges": ("Choices", "LogRange", "Range"),
    "genbench.estimator.estimator": ("Estimator",),
    "genbench.results": ("Run",),
}
HOME = {name: module for module, names in _HOMES.items() for name in names}
