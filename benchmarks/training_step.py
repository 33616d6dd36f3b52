"""Milliseconds of one training step of every torch model, as it states them and as they are beside the kernel.

Run it as `python benchmarks/training_step.py [MODEL ...]`; all on one thread. The machine may be busy.

The `step_ms` of a model's recipe turns the seconds of a named budget into steps. What is measured is processor time
beside that of a fixed kernel, in milliseconds of the reference machine (`genbench.training.calibration`), whose
`KERNEL_MS` is such that the median of the last column is about 1. Runs flag a model that is off by more than two.
"""

from __future__ import annotations

import statistics
import sys

import torch

from genbench.contracts.dataset import DATASETS, Dataset, Sizes
from genbench.contracts.model import MODELS
from genbench.core.libraries import library_of
from genbench.core.parameters import create, defaults
from genbench.core.registry import discover
from genbench.estimator.estimator import Estimator

DATA = ("moons", "digits", "wine", "breast_cancer")  # by hand: the plane, small images, a short and a long table


def models_of(kind: str) -> list[str]:
    """Return the names of our models that are trained step by step and take data of a kind."""
    cards = [card for card in MODELS.cards.values() if library_of(card) is None]
    return sorted(card.name for card in cards if card.is_torch and kind in card.kinds)


def step(name: str, data: Dataset) -> tuple[float, float | None]:
    """Return the milliseconds of one step of a model on some data, as measured and as its recipe states them."""
    splits = data.splits(0, Sizes())
    measured = Estimator(MODELS[name]).step_ms(splits.train, splits.validation, **data.traits)
    return measured, defaults(MODELS[name], (data.kind, data.shape))["step_ms"]


def main() -> None:
    """Measure the models, and print a line for each on each dataset, and the median quotient."""
    torch.set_num_threads(1)
    discover()
    quotients = []
    print(f"{'data':14} {'model':16} {'stated':>8} {'measured':>9} {'quotient':>9}")
    for dataset in DATA:
        card = DATASETS[dataset]
        data: Dataset = create(card, defaults(card))
        for name in sys.argv[1:] or models_of(data.kind):
            measured, stated = step(name, data)
            line = f"{dataset:14} {name:16} {stated or float('nan'):8.2f} {measured:9.2f}"
            if stated:
                quotients.append(measured / stated)
                line += f" {quotients[-1]:9.2f}"
            print(line, flush=True)
    print(f"median quotient {statistics.median(quotients):.2f}, from {min(quotients):.2f} to {max(quotients):.2f}")


if __name__ == "__main__":
    main()
