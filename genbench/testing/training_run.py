"""Training a model to be examined: shortly, to see that it is consistent, and long enough to have learnt something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.model import ModelCard
from genbench.core.errors import Diverged
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, CheckFailed, DoesNotApply, check
from genbench.testing.fits import needs_samples
from genbench.testing.trained_model import EXAM, SOUND, Exam, learns_a_gaussian
from genbench.testing.truths import Crescents, TiltedGaussian

__all__ = ["SHORT", "Run", "trained_checks", "trains"]

TRAIN = 5_000  # points; by hand: few enough for a memory to show, and enough to learn the plane
SHORT = "150"  # steps, by hand: enough for a loss to become NaN after its first hundred
# Of the check on a Gaussian, chosen by hand and measured on the models here: a coarse solver and a kernel that is as
# wide in all directions blur the short axis by up to a half, and no right model the long one by a fifth.
LIMITS = {"most": 0.1, "mean": 0.15, "covariance": 0.2, "thin": 0.5}
ADVERSARIAL = {"mean": 0.8, "covariance": 0.8}  # models with several optimisers circle around the answer for long


@dataclass
class Run:
    """A model that is trained on a distribution when it is first examined.

    Attributes:
        truth, budget, seed: what it is trained on, for how long, and from which seed.
        learns: whether it is trained long enough to have learnt something.
    """

    card: ModelCard
    params: Mapping[str, Any]
    device: str
    truth: SyntheticDataset
    budget: str
    seed: int
    learns: bool
    state: dict[str, Any] = field(default_factory=dict, repr=False)

    def exam(self) -> Exam:
        """Return the trained model with what is looked at; DoesNotApply where the training failed before."""
        if "exam" in self.state:
            found: Exam = self.state["exam"]
            return found
        if "failed" in self.state:
            raise DoesNotApply("its training failed")
        needs_samples(self.card)
        if not {"points", "table"} & set(self.card.kinds):
            raise DoesNotApply(
                f"it is examined on points in the plane, and takes {' and '.join(self.card.kinds)} alone"
            )
        if self.learns and self.card.role == "control":
            raise DoesNotApply("a control need not learn")
        kind: Any = "points" if "points" in self.card.kinds else "table"
        self.state["failed"] = True
        train = self.truth.sample(TRAIN, seed=1000 * self.seed + 1)
        model = Estimator(self.card, self.params, self.device).fit(train, budget=self.budget, seed=self.seed, kind=kind)
        grid: dict[str, Any] = (
            {} if self.learns else {"margin": 3.0, "across": (24, 3)}
        )  # wide as a model after a few steps may be
        self.state["exam"] = Exam(model, self.truth, train, short=not self.learns, seed=self.seed, **grid)
        del self.state["failed"]
        return self.exam()


@check(
    expected="a training run to its end, with finite losses",
    meaning="a logarithm or a root of what may become negative, a variance that shrinks to 0, or weights that grow",
    methods=("training_loss", "training_step", "fit"),
    suspects=r"\.log\(|\.sqrt\(|/ |nan",
)
def trains(run: Run) -> str:
    """Training does not diverge."""
    try:
        exam = run.exam()
    except Diverged as error:
        raise CheckFailed(str(error)) from None
    steps = exam.model.history.steps
    return f"{steps} steps" if steps else "fitted"


def trained_checks(
    card: ModelCard, params: Mapping[str, Any], device: str, budget: str, seed: int
) -> Iterator[tuple[Run, Check, Mapping[str, Any]]]:
    """Yield the checks that look at a trained model, with the training that they share and their limits."""
    short = Run(card, params, device, Crescents(), SHORT, seed, learns=False)
    yield from ((short, each, {}) for each in (trains, *SOUND))
    crescents = Run(card, params, device, Crescents(), budget, seed, learns=True)
    gaussian = Run(card, params, device, TiltedGaussian(), budget, seed, learns=True)
    limits = LIMITS
    if card.is_torch and _is_adversarial(card, params):
        limits = ADVERSARIAL
    yield from ((crescents, each, {}) for each in EXAM)
    yield (gaussian, learns_a_gaussian, limits)


def _is_adversarial(card: ModelCard, params: Mapping[str, Any]) -> bool:
    """Whether a model has several optimisers, which play against each other."""
    model: Any = Estimator(card, params).model
    try:
        model.build((2,))
        return len(model.optimizer_groups()) > 1
    except Exception:  # other checks say what is wrong
        return False
