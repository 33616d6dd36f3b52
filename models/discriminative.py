"""Classifiers that model only p(y | x), for comparison with generative models."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Le

from genbench.contracts.classifier import Classifier
from genbench.contracts.model import register_model
from genbench.core.types import Array, Count, Labels, Positive

__all__ = ["GradientBoosting", "LogisticRegression"]

ALL_KINDS = ("points", "table", "image", "series")
SMALLEST = 1e-12  # by hand: least probability of a class that occurred: a tree may say 0


class _Sklearn(Classifier):
    """A classifier of scikit-learn. A subclass writes `estimator`."""

    def estimator(self) -> Any:
        """Return the classifier, not fitted."""
        raise NotImplementedError

    def learn(self, x: Array, labels: Labels, classes: int) -> None:
        self.classes = classes
        self.seen = np.unique(labels)
        self.fitted = self.estimator().fit(x, labels) if len(self.seen) > 1 else None

    def predict_log_proba(self, x: Array) -> Array:
        log_proba = np.full((len(x), self.classes), -np.inf)
        proba = self.fitted.predict_proba(x) if self.fitted is not None else np.ones((len(x), 1))
        log_proba[:, self.seen] = np.log(np.clip(proba, SMALLEST, None))
        return log_proba


@register_model(
    "logistic_regression",
    family="discriminative",
    paper="Cox 1958",
    kinds=ALL_KINDS,
    role="control",
    tasks=("classify",),
)
class LogisticRegression(_Sklearn):
    """Softmax of linear functions, by penalised maximum likelihood: linear classification.

    Args:
        c: inverse weight of the squared penalty, in standardised units; a larger value means a weaker penalty.
    """

    def __init__(self, c: Positive = 1.0) -> None:
        self.c = c

    def estimator(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.c, max_iter=2000)

    @property
    def n_parameters(self) -> int | None:
        """The number of weights and intercepts; None before `learn`."""
        fitted = getattr(self, "fitted", None)
        return None if fitted is None else int(fitted.coef_.size + fitted.intercept_.size)


@register_model(
    "gradient_boosting",
    family="discriminative",
    paper="Friedman 2001; Ke et al. 2017",
    kinds=ALL_KINDS,
    role="control",
    tasks=("classify",),
)
class GradientBoosting(_Sklearn):
    """A sum of shallow trees, each fitted to the gradient of the log-loss.

    It is strong on tables and has no density.

    Args:
        rounds: number of trees for each class.
        rate: share of each tree that is added.
    """

    def __init__(self, rounds: Count = 100, rate: Annotated[Positive, Le(1)] = 0.1) -> None:
        self.rounds, self.rate = rounds, rate

    def estimator(self) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        seed = int(np.random.randint(2**31))  # from the stream that the engine set
        return HistGradientBoostingClassifier(max_iter=self.rounds, learning_rate=self.rate, random_state=seed)
