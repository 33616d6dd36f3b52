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
        """Whether it is a torch model, trained by the engine; found out without importing torch."""
        return issubclass(self.factory, SupportsTorchTraining)

    def takes_part(self, task: str) -> bool:
        """Whether it was made for a task: a model that names none is tried in each."""
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
        role: "model"; "control" for a trivial baseline; "oracle" for the one whose scores are the floor of every score.
        standardise: whether the engine hands it data with mean 0 and standard deviation 1 per coordinate.
        variant: whether it is a variant of another model of its family, which the selection "all" leaves out.
        tasks: the only tasks in which it takes part, for what does not sample ("classify"); all of them if empty.

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

    The constructor takes hyper-parameters only and stores them as given; it raises ValueError with a reason for a value
    out of range. The engine seeds the global generators around every method, standardises data before `fit` and undoes
    it after, checks what comes back, and scores.

    Optional attributes: `nfe`, network evaluations that the last `sample` spent on one point (of a torch
    model that does not say, the calls are counted); `likelihood`, the kind of
    `log_prob` on the data at hand, where it is not always the one that the model is registered with; `n_parameters`.
    Optional methods, which enable tasks and figures: see `genbench.contracts.optional_methods`.
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
        """Return log p(x) in nats, [n], for x [n, *shape]; only for models whose likelihood is not "none".

        Raises:
            NotImplementedError: it has no density for these data; then it has no likelihood on this dataset.
        """
        raise NotImplementedError

    def conditional_sample(self, x: Any, known: Any) -> Any:
        """Return x [n, *shape] with the coordinates that are not known drawn anew, exactly, given those that are.

        Optional: a model without it fills gaps by guidance, by importance, or by its nearest samples. What stands in x
        where coordinates are missing is the mean of the training points and has no say.

        Args:
            x: points [n, *shape], one draw each.
            known: which coordinates are given, bool [*shape]; neither all nor none.

        Raises:
            NotImplementedError: it cannot do it exactly for this mask.
        """
        raise NotImplementedError

    def reveal(self, dataset: Dataset, splits: Splits) -> None:
        """Receive the true distribution, which the oracle uses instead of `fit`."""
        raise NotImplementedError
