"""The results of a small classifier on samples and test images, computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from genbench.contracts.evidence import Evidence

if TYPE_CHECKING:
    from genbench.nn.image_classifier import Seen

__all__ = ["Recognition", "recognition"]


class Recognition(NamedTuple):
    """The classifier's results on all samples and all test images, and its test accuracy."""

    samples: Seen
    test: Seen
    accuracy: float


def recognition(evidence: Evidence) -> Recognition:
    """Return the results of the classifier of the dataset's images.

    It is trained now if it has not been trained before.
    """
    from genbench.nn.image_classifier import classifier_of

    def look() -> Recognition:
        classifier, shape = classifier_of(evidence.dataset), evidence.dataset.shape
        samples, test = (classifier.look(x.reshape(-1, *shape)) for x in (evidence.samples, evidence.test))
        return Recognition(samples, test, classifier.accuracy)

    return evidence.once("recognition", look)
