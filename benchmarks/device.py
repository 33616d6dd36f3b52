"""Every torch model on a GPU beside the CPU: the contract's checks, milliseconds of a training step, scores of a run.

Run it as `python benchmarks/device.py [MODEL ...] [--device auto] [--budget 300] [--seeds 5]` on a machine with a GPU.
Without one it says so and ends with exit code 0; `--device cpu` tries the script itself.

The scores are those of a short run on moons, by worker processes, on the same seeds on both devices. Random numbers of
a GPU are others, so that scores differ as those of two seeds do: "apart" stands beside a mean difference that is more
than Student's t allows at 99 %, which happens once in a hundred comparisons where the devices agree.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import genbench
from genbench.contracts.model import MODELS, ModelCard
from genbench.core.errors import GenbenchError
from genbench.core.hardware import choose_device
from genbench.core.registry import discover
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.statistics.intervals import mean_intervals
from genbench.testing.device_audit import runs_on_any_device
from genbench.testing.model_contract import CONTRACT

METRICS = ("sliced_w2", "nll")
WARM_UP, TIMED = 20, 200  # training steps, by hand: the first ones allocate; the others take seconds at most


def main() -> None:
    """Compare the devices, and print a line for each model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", help="torch models of points; all unless given")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps, or cpu to try the script itself (auto)")
    parser.add_argument("--budget", default="300", help="training steps of a scored run (300)")
    parser.add_argument("--seeds", type=int, default=5, help="of the scored runs (5)")
    options = parser.parse_args()
    try:
        device = choose_device(options.device)
    except GenbenchError as error:
        parser.exit(2, f"{error}\n")
    if device == "cpu" and options.device == "auto":
        print("torch finds no GPU on this machine: nothing to compare; --device cpu tries the script itself")
        return
    discover()
    cards = [card for _, card in sorted(MODELS.cards.items()) if card.is_torch and "points" in card.kinds]
    chosen = [card for card in cards if card.name in (options.models or [card.name])]
    print(f"{'model':16} {'contract':10} {'ms cpu':>8} {'ms ' + device:>8} {'faster':>7}  scores on cpu and {device}")
    for card in chosen:
        failed = failing(card, device)
        here, there = step_ms(card, "cpu"), step_ms(card, device)
        contract = "passed" if not failed else f"{len(failed)} failed"
        line = f"{card.name:16} {contract:10} {here:8.2f} {there:8.2f} {here / there:6.2f}×  "
        print(line + compared(card, device, options.budget, options.seeds), flush=True)
        for name, why in failed.items():
            print(f"    {name}: {why}", flush=True)


def failing(card: ModelCard, device: str) -> dict[str, str]:
    """Return the first line of what each check of the contract that fails on a device says, by its name."""
    failed = {}
    for check in CONTRACT:
        if check is not runs_on_any_device:
            try:
                check(card, {}, device=device)
            except Exception as error:
                failed[check.__name__] = f"{type(error).__name__}: {error}".splitlines()[0]
    return failed


def step_ms(card: ModelCard, device: str) -> float:
    """Return the wall milliseconds of a training step, from two training runs of different length."""
    x = genbench.load_dataset("moons").sample(5000)
    seconds = []
    for steps in (WARM_UP, WARM_UP, WARM_UP + TIMED):  # the first one compiles what is compiled
        model = Estimator(card, {}, device)
        begin = time.perf_counter()
        model.fit(x, budget=str(steps)).weights()  # which waits for the device
        seconds.append(time.perf_counter() - begin)
    return 1000 * (seconds[2] - seconds[1]) / TIMED


def compared(card: ModelCard, device: str, budget: str, seeds: int) -> str:
    """Return the mean scores of runs on both devices in words."""
    with tempfile.TemporaryDirectory() as folder:
        cpu, other = (
            scores(card, where, budget, seeds, Path(folder) / str(i)) for i, where in enumerate(("cpu", device))
        )
    words = []
    for name in sorted(cpu.keys() & other.keys()):
        both = min(len(cpu[name]), len(other[name]))
        _, (low,), (high,) = mean_intervals((cpu[name][:both] - other[name][:both])[None], "t", level=0.99)
        apart = " apart" if low > 0 or high < 0 else ""
        words.append(f"{name} {cpu[name].mean():.4g} {other[name].mean():.4g}{apart}")
    missing = [where for where, found in (("cpu", cpu), (device, other)) if not found]
    return ", ".join(words) if not missing else f"no scores on {' and '.join(missing)}"


def scores(card: ModelCard, device: str, budget: str, seeds: int, folder: Path) -> dict[str, Array]:
    """Return each metric's values [seeds] of a run on moons."""
    run = genbench.run(
        card.name, "moons", seeds=seeds, budget=budget, device=device, metrics=",".join(METRICS), samples=10_000,
        results=folder, name="run", progress=False, say=lambda _: None,
    )  # fmt: skip
    frame = run.frame()
    mine = frame[(frame["model"] == card.name) & np.isfinite(frame["value"])].sort_values("seed")
    return {str(name): rows["value"].to_numpy() for name, rows in mine.groupby("metric")}


if __name__ == "__main__":
    main()
