"""What a small classifier of the dataset's images sees in samples and in test images, looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from genbench.contracts.evidence import Evidence

if TYPE_CHECKING:
    from genbench.nn.image_classifier import Seen

__all__ = ["Recognition", "recognition"]


class Recognition(NamedTuple):
    """What is seen in all samples and in all test images, and the classifier's test accuracy."""

    samples: Seen
    test: Seen
    accuracy: float


def recognition(evidence: Evidence) -> Recognition:
    """Return what the classifier of the dataset's images sees; it is trained now if nobody has before."""
    from genbench.nn.image_classifier import classifier_of

    def look() -> Recognition:
        classifier, shape = classifier_of(evidence.dataset), evidence.dataset.shape
        samples, test = (classifier.look(x.reshape(-1, *shape)) for x in (evidence.samples, evidence.test))
        return Recognition(samples, test, classifier.accuracy)

    return evidence.once("recognition", look)
