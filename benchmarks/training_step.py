"""Milliseconds of one training step of every torch model of points on two moons, beside the step of a plain MLP.

Run it as `python benchmarks/training_step.py [MODEL ...]`; all on one thread.

The `step_ms` of a model's recipe turns the seconds of a named budget into steps; this is how it was measured. The last
column says how long `--budget quick` (10 s) takes here.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time

import torch

import genbench
from genbench.contracts.model import MODELS
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.registry import discover

STEPS, REPEATS = 200, 5


def peer() -> float:
    """Return the milliseconds of a plain regression step: 2-128-128-128-2, SiLU, batch 256, fused Adam."""
    sizes = [2, 128, 128, 128]
    layers = [m for a, b in itertools.pairwise(sizes) for m in (torch.nn.Linear(a, b), torch.nn.SiLU())]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(128, 2))
    optimiser = torch.optim.Adam(net.parameters(), fused=True)
    x = torch.randn(256, 2)
    begin = time.perf_counter()
    for _ in range(STEPS):
        optimiser.zero_grad()
        (net(x) - x).square().mean().backward()
        optimiser.step()
    return 1000 * (time.perf_counter() - begin) / STEPS


def step(name: str, data: object) -> tuple[float, Recipe]:
    """Return the milliseconds of one step of a model, without its start, and the recipe that it chose for the data."""
    times = []
    for steps in (10, 10 + STEPS):
        model = genbench.load_model(name)
        begin = time.perf_counter()
        model.fit(data, budget=str(steps))
        times.append(time.perf_counter() - begin)
    return 1000 * (times[1] - times[0]) / STEPS, model.model.recipe


def models_of_points() -> list[str]:
    """Return the names of the models that are trained step by step and take points."""
    cards = MODELS.cards.items()
    return sorted(n for n, card in cards if card.is_torch and "points" in card.kinds)


def main() -> None:
    """Measure the models in turn with the peer, several times over, and print medians."""
    torch.set_num_threads(1)
    discover()
    names = sys.argv[1:] or models_of_points()
    data = genbench.load_dataset("moons").sample(20_000)
    recipes: dict[str, Recipe] = {}
    peer()
    times: dict[str, list[float]] = {"plain MLP": [], **{name: [] for name in names}}
    for _ in range(REPEATS):
        times["plain MLP"].append(peer())
        for name in names:
            taken, recipes[name] = step(name, data)
            times[name].append(taken)
    bare = statistics.median(times["plain MLP"])
    print(f"{'model':16} {'ms a step':>9} {'min':>7} {'× MLP':>7} {'step_ms':>8} {'quick takes s':>14}")
    for name, values in times.items():
        median = statistics.median(values)
        line = f"{name:16} {median:9.2f} {min(values):7.2f} {median / bare:7.1f}"
        if recipe := recipes.get(name):
            line += f" {recipe.step_ms:8.2f} {Budget('quick').steps(recipe) * median / 1000:14.1f}"
        print(line)


if __name__ == "__main__":
    main()
