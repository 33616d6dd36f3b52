"""Training of a model for checks: short, for consistency, or long enough to learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.model import ModelCard
from genbench.core.errors import Diverged
from genbench.core.parameters import bind, create
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, CheckFailed, DoesNotApply, NotReached, check
from genbench.testing.fits import needs_samples
from genbench.testing.trained_model import CHECKS, SOUND, TrainedModel, learns_a_gaussian
from genbench.testing.truths import Crescents, TiltedGaussian

__all__ = ["Run", "trained_checks", "trains"]

TRAIN = 5_000  # points; by hand: few enough for a memory to show, and enough to learn the plane
# Steps of a short training, by hand: enough for a loss to become NaN after its first hundred, and for a flow to be
# smooth again, which solvers follow badly after 150; as many as 2 s pay for, in which a step may take this many ms.
LEAST, MOST, SECONDS, UNKNOWN_MS = 150, 800, 2.0, 3.0
# Of the check on a Gaussian, chosen by hand and measured on the models here: a coarse solver and a kernel that is as
# wide in all directions blur the short axis by up to a half, and no right model the long one by a fifth.
LIMITS = {"most": 0.1, "mean": 0.15, "covariance": 0.2, "thin": 0.5}
ADVERSARIAL = {"mean": 0.8, "covariance": 0.8}  # models with several optimisers circle around the answer for long


@dataclass
class Run:
    """A model and its training run, which starts when the first check needs it.

    Attributes:
        truth, budget, seed: the distribution, the length and the seed of the training; without a budget, it is short.
    """

    card: ModelCard
    params: Mapping[str, Any]
    device: str
    truth: SyntheticDataset
    budget: str | None
    seed: int
    state: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def learns(self) -> bool:
        """Whether it is trained long enough to learn something."""
        return self.budget is not None

    def trained(self) -> TrainedModel:
        """Return the trained model with what the checks use.

        NotReached is raised if the training failed before.
        """
        if "trained" in self.state:
            found: TrainedModel = self.state["trained"]
            return found
        if "failed" in self.state:
            raise NotReached("not reached: its training failed")
        needs_samples(self.card)
        if not {"points", "table"} & set(self.card.kinds):
            raise DoesNotApply(
                f"it is examined on points in the plane, and takes {' and '.join(self.card.kinds)} alone"
            )
        if self.learns and self.card.role == "control":
            raise DoesNotApply("it is a control, which need not learn")
        kind: Any = "points" if "points" in self.card.kinds else "table"
        self.state["failed"] = True
        x, labels = self.truth.labelled_sample(TRAIN, seed=1000 * self.seed + 1)
        model = Estimator(self.card, self.params, self.device)
        budget = self.budget or str(_few_steps(model, kind))
        model.fit(x, labels=labels, budget=budget, seed=self.seed, kind=kind)
        grid = 1.2 if self.learns else 2.0  # wider, as what a model has not learnt yet is
        self.state["trained"] = TrainedModel(model, self.truth, x, grid, short=not self.learns, seed=self.seed)
        del self.state["failed"]
        return self.trained()


def _few_steps(model: Estimator, kind: str) -> int:
    """Return the number of steps of a short training run."""
    if not model.card.is_torch:
        return LEAST
    recipe: Any = create(model.card, bind(model.card, model.given, (kind, (2,)))).recipe
    return int(min(MOST, max(LEAST, 1000 * SECONDS / (recipe.step_ms or UNKNOWN_MS))))


@check(
    expected="a training run to its end, with finite losses",
    meaning="a logarithm or a root of what may become negative, a variance that shrinks to 0, or weights that grow",
    methods=("training_loss", "training_step", "fit"),
    suspects=r"\.log\(|\.sqrt\(|/ |nan",
)
def trains(run: Run) -> str:
    """Training does not diverge."""
    try:
        trained = run.trained()
    except Diverged as error:
        raise CheckFailed(str(error)) from None
    steps = trained.model.history.steps
    return f"{steps} steps" if steps else "fitted"


def trained_checks(
    card: ModelCard, params: Mapping[str, Any], device: str, budget: str | None, seed: int
) -> Iterator[tuple[Run, Check, Mapping[str, Any]]]:
    """Yield the checks of a trained model, with the training run they share and limits.

    Without a budget, they are the checks for a short training run.
    """
    if budget is None:
        short = Run(card, params, device, Crescents(), None, seed)
        yield from ((short, each, {}) for each in (trains, *SOUND))
        return
    crescents = Run(card, params, device, Crescents(), budget, seed)
    gaussian = Run(card, params, device, TiltedGaussian(), budget, seed)
    limits = LIMITS
    if card.is_torch and _is_adversarial(card, params):
        limits = ADVERSARIAL
    yield from ((crescents, each, {}) for each in (trains, *CHECKS))
    yield (gaussian, learns_a_gaussian, limits)


def _is_adversarial(card: ModelCard, params: Mapping[str, Any]) -> bool:
    """Whether a model has several optimisers, which play against each other."""
    model: Any = Estimator(card, params).model
    try:
        model.build((2,))
        return len(model.optimizer_groups()) > 1
    except Exception:  # other checks say what is wrong
        return False
