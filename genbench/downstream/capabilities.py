"""What each model can do, from its card and the optional methods of its class."""

from __future__ import annotations

from genbench.contracts.classifier import Classifier
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.optional_methods import (
    SupportsDecoding,
    SupportsEncoding,
    SupportsForecast,
    SupportsNoising,
    SupportsTrajectory,
    SupportsVelocity,
    supports,
)
from genbench.core.parameters import create, defaults
from genbench.downstream.imputation import way_of

__all__ = ["CAPABILITIES", "capabilities"]

CAPABILITIES = ("samples", "density", "encodes", "shows", "conditions", "imputes", "classifies", "forecasts")
# What of its flow a model shows.
SHOWS: dict[type, str] = {SupportsTrajectory: "way", SupportsVelocity: "field", SupportsNoising: "noise"}


def capabilities(card: ModelCard) -> dict[str, str]:
    """Return what a model can do, by the names of `CAPABILITIES`; "" if it cannot.

    samples: whether it overrides `sample`. density: exact, estimate or bound, as registered. encodes: "both ways", or
    "decodes". shows: what it has of its flow between noise and data: the paths of its samples ("way", see
    `Estimator.trajectory`), its velocity ("field") and the noised data from which it learns ("noise"). conditions: on
    labels, if its constructor has the parameter `conditional`. imputes: the first method by which gaps are filled, see
    `genbench.downstream.imputation`. classifies: by Bayes' rule, or directly. forecasts: whether it has `forecast`.
    """
    cls = card.factory
    direct = issubclass(cls, Classifier)
    encodes, decodes = supports(cls, SupportsEncoding), supports(cls, SupportsDecoding)
    samples = cls.sample is not Model.sample
    oracle = card.role == "oracle"
    model = create(card, defaults(card))
    imputes = "exact" if oracle else way_of(model, card.likelihood) if samples else ""
    by_bayes = "by Bayes" if card.likelihood != "none" else ""
    return {
        "samples": "yes" if samples else "",
        "density": card.likelihood if card.likelihood != "none" else "",
        "encodes": "both ways" if encodes and decodes else "decodes" if decodes else "",
        "shows": ", ".join(word for method, word in SHOWS.items() if supports(cls, method)),
        "conditions": "on labels" if "conditional" in card.signature else "",
        "imputes": imputes,
        "classifies": "directly" if direct else by_bayes,
        "forecasts": "yes" if supports(cls, SupportsForecast) else "",
    }
