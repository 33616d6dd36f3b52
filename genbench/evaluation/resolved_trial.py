"""The spec of a trial with the plugins that it names, and its data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from genbench.contracts.data_files import reopened
from genbench.contracts.dataset import Dataset, Sizes, Splits, SyntheticDataset
from genbench.contracts.evidence import Protocol
from genbench.contracts.model import MODELS, ModelCard
from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.storage.records import TrialSpec

__all__ = ["ResolvedTrial"]


@dataclass(frozen=True)
class ResolvedTrial:
    """The plugins and the data of a trial.

    Names are looked up only here; later steps receive the objects.

    Attributes:
        spec: the spec of the trial.
        model: the card of the model.
        dataset: the dataset object.
        splits: its points for the spec's seed.
    """

    spec: TrialSpec
    model: ModelCard
    dataset: Dataset
    splits: Splits

    @classmethod
    def of(cls, spec: TrialSpec) -> ResolvedTrial:
        """Look up the names in a spec, and load the data.

        Raises:
            GenbenchError: a name is unknown, a parameter is refused, or the data cannot be read.
        """
        dataset = reopened(spec.dataset, spec.dataset_name, spec.dataset_params, spec.data_fingerprint)
        splits = dataset.splits(stream(spec.seed, "data"), Sizes(spec.protocol.train))
        return cls(spec, MODELS[spec.model_name], dataset, splits)

    @property
    def protocol(self) -> Protocol:
        """The amount of evidence for each metric."""
        return self.spec.protocol

    @property
    def of_oracle(self) -> bool:
        """Whether the model is the oracle, which receives the truth instead of a fit."""
        return self.model.role == "oracle"

    @property
    def sample_size(self) -> int:
        """The number of samples that are scored.

        For real data it is at most the number of test points.
        """
        wanted = self.protocol.samples
        return wanted if isinstance(self.dataset, SyntheticDataset) else min(wanted, len(self.splits.test))

    def estimator(self, device: str = "cpu", **settings: Any) -> Estimator:
        """Return the model, not fitted; `settings` replace some of its parameters."""
        return Estimator(self.model, self.spec.params | settings, device)

    @property
    def training_data(self) -> dict[str, Any]:
        """The arguments of `Estimator.fit` that come from the data and the spec."""
        splits = self.splits
        return {
            "x": splits.train,
            "validation": splits.validation,
            "labels": splits.train_labels,
            "validation_labels": splits.validation_labels,
            "redraw": partial(self.dataset.redraw, stream(self.spec.seed, "data")),
            "budget": str(self.spec.steps or self.spec.budget),
            **self.dataset.traits,
        }
