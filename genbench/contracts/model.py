"""The contract of a model: three methods, `fit`, `sample`, `log_prob`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from genbench.contracts.dataset import Dataset, Splits
from genbench.contracts.optional_methods import SupportsTorchTraining
from genbench.core.cards import Card
from genbench.core.errors import ContractError
from genbench.core.registry import REGISTRY, Group
from genbench.core.types import KINDS, Array

__all__ = ["LIKELIHOODS", "MODELS", "Model", "ModelCard", "register_model"]

LIKELIHOODS = ("exact", "estimate", "bound", "none")
ROLES = ("model", "oracle", "control")

M = TypeVar("M", bound="type[Model]")


@dataclass(frozen=True)
class ModelCard(Card):
    """What the registry knows about a model."""

    likelihood: str = "none"
    paper: str = ""
    kinds: tuple[str, ...] = ("points", "table", "series")
    role: str = "model"
    standardise: bool = True
    variant: bool = False
    tasks: tuple[str, ...] = ()

    @property
    def is_torch(self) -> bool:
        """Whether it is a torch model, trained by the engine. Torch is not imported for this."""
        return issubclass(self.factory, SupportsTorchTraining)

    def takes_part(self, task: str) -> bool:
        """Whether it takes part in a task. A model that names no tasks takes part in all."""
        return not self.tasks or task in self.tasks


MODELS: Group[ModelCard] = REGISTRY["models"]


def register_model(
    name: str,
    *,
    family: str,
    likelihood: str = "none",
    paper: str = "",
    kinds: tuple[str, ...] = ("points", "table", "series"),
    role: str = "model",
    standardise: bool = True,
    variant: bool = False,
    tasks: tuple[str, ...] = (),
) -> Callable[[M], M]:
    """Register a model class under `name`.

    Args:
        likelihood: what `log_prob` gives: "exact", "estimate", "bound" (a lower bound on log p), or "none".
        kinds: the kinds of data that it can handle, of "points", "table", "image", "series".
        role: "model"; "control" for a trivial baseline; "oracle" for the model whose scores are the floor of all
            scores.
        standardise: whether the engine gives it data with mean 0 and standard deviation 1 in each coordinate.
        variant: whether it is a variant of another model of its family, which the selection "all" leaves out.
        tasks: the only tasks in which it takes part, for models that cannot sample ("classify"); all if empty.

    Raises:
        ContractError: a value is not one of those listed.
    """
    for what, value, known in (("likelihood", likelihood, LIKELIHOODS), ("role", role, ROLES)):
        if value not in known:
            raise ContractError(f"model '{name}' has {what} '{value}'; write one of {', '.join(known)}")
    if not kinds or set(kinds) - set(KINDS):
        raise ContractError(f"model '{name}' has kinds {kinds!r}; write a tuple of {', '.join(KINDS)}")

    def wrap(cls: M) -> M:
        card = ModelCard(
            name,
            family,
            cls,
            likelihood=likelihood,
            paper=paper,
            kinds=tuple(kinds),
            role=role,
            standardise=standardise,
            variant=variant,
            tasks=tuple(tasks),
        )
        MODELS.add(card)
        return cls

    return wrap


class Model:
    """A generative model that learns from arrays.

    The constructor takes only hyper-parameters and stores them unchanged. It raises ValueError with a reason if a value
    is out of range. The engine seeds the global generators around every method, standardises data before `fit`,
    converts results back to the data's units, checks them, and computes the scores.

    Optional attributes: `nfe`, the network evaluations for one point in the last `sample` (for a torch model without
    it, the calls are counted); `likelihood`, the kind of `log_prob` on the present data, if it can differ from the
    registered one; `n_parameters`. Optional methods, which enable tasks and figures: see
    `genbench.contracts.optional_methods`.
    """

    card: ClassVar[ModelCard]
    # Whether it wants images as they are, in [0, 1], whatever the card says of standardising.
    reads_levels: bool = False
    levels: int = 256  # grey levels of the images at hand, set by the engine: the whole part of levels · x
    # Seconds of the reference machine that `fit` should take at most, set by the engine from the run's budget. A model
    # that can spend more or less counts its operations by it; a clock would give other numbers on every machine.
    budget_seconds: float = 10.0

    def fit(self, x: Array) -> Any:
        """Learn from training points x [n, *shape] float64."""
        raise NotImplementedError

    def sample(self, n: int) -> Any:
        """Return `n` points [n, *shape]."""
        raise NotImplementedError

    def log_prob(self, x: Any) -> Any:
        """Return log p(x) in nats, [n], for points x [n, *shape].

        A model whose likelihood is "none" does not define it.

        Raises:
            NotImplementedError: the model has no density for these data. Then it has no likelihood on this dataset.
        """
        raise NotImplementedError

    def conditional_sample(self, x: Any, known: Any) -> Any:
        """Draw the missing coordinates of x [n, *shape] exactly, given the known ones.

        It returns x with these draws filled in, [n, *shape].

        It is optional: a model without it fills gaps by guidance, by importance, or by its nearest samples. The missing
        coordinates of x hold the mean of the training points, which must not be used.

        Args:
            x: points [n, *shape], one draw each.
            known: which coordinates are given, bool [*shape]; some are, and some are not.

        Raises:
            NotImplementedError: the model cannot draw exactly for this mask.
        """
        raise NotImplementedError

    def reveal(self, dataset: Dataset, splits: Splits) -> None:
        """Receive the true distribution. Only the oracle has it; it replaces `fit`."""
        raise NotImplementedError
