"""What optimal pairing costs and brings: milliseconds of a step, and path energy, beside independent and exact pairing.

Run it as `python benchmarks/ot_coupling.py [--steps 5000] [--data moons,eight_gaussians]`.

Three trainings of the same network on the same data: independent pairs, pairs in blocks (the default of ot_cfm), and
the plain exact pairing of the whole batch of 256. Steps are timed in turn, 200 of each at a time. The goal: a step at
most 1.5 times that of independent pairs, and a path energy at most 5 % above that of the exact pairing.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

import genbench
from genbench.core.registry import discover
from genbench.nn.ode import integrate

POINTS = 50_000  # behind a path energy
PAIRINGS = {
    "independent": {"coupling": "independent"},
    "blocks": {},
    "exact": {"ot_batch": 256},
}


def milliseconds(data: object, repeats: int = 7, steps: int = 200) -> dict[str, float]:
    """Return the median milliseconds of a training step of each pairing, taken in turn, without a training's start."""
    times: dict[str, list[float]] = {name: [] for name in PAIRINGS}
    for _ in range(repeats):
        for name, params in PAIRINGS.items():
            seconds = []
            for budget in (20, 20 + steps):
                begin = time.perf_counter()
                genbench.load_model("ot_cfm", **params).fit(data, budget=str(budget))
                seconds.append(time.perf_counter() - begin)
            times[name].append(1000 * (seconds[1] - seconds[0]) / steps)
    return {name: statistics.median(values) for name, values in times.items()}


def path_energy(data: object, params: dict[str, object], steps: int) -> float:
    """Return E ∫ ‖v‖² dt of a trained model, in standardised units, over as many points as keep its error under 1 %."""
    model = genbench.load_model("ot_cfm", **params).fit(data, budget=str(steps)).model

    def with_energy(state: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        v = model.velocity(state[:, :-1], t)
        return torch.cat([v, v.square().sum(1, keepdim=True)], dim=1)

    torch.manual_seed(0)
    start = torch.cat([torch.randn(POINTS, *model.shape), torch.zeros(POINTS, 1)], dim=1)
    with torch.no_grad():
        return float(integrate(with_energy, start, torch.linspace(0, 1, 41)).x[:, -1].mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=5000, help="training steps behind a path energy (5000)")
    parser.add_argument("--data", default="moons,eight_gaussians", help="datasets, by comma")
    options = parser.parse_args()
    torch.set_num_threads(1)
    discover()
    cost = milliseconds(genbench.load_dataset("moons").sample(20_000))
    print("ms a step:   " + ", ".join(f"{name} {ms:.2f}" for name, ms in cost.items()))
    print(f"blocks / independent: {cost['blocks'] / cost['independent']:.2f} (goal 1.5)")
    print(f"exact / independent:  {cost['exact'] / cost['independent']:.2f}")
    for dataset in options.data.split(","):
        data = genbench.load_dataset(dataset).sample(20_000)
        energy = {name: path_energy(data, params, options.steps) for name, params in PAIRINGS.items()}
        print(f"{dataset}: path energy " + ", ".join(f"{name} {value:.4f}" for name, value in energy.items()))
        print(f"{dataset}: blocks / exact {energy['blocks'] / energy['exact']:.3f} (goal 1.05)")


if __name__ == "__main__":
    main()
