"""How often right models fail a check of `genbench check` by chance: failures by check over many seeds.

Run it as `python benchmarks/check_rates.py [MODEL ...] [--seeds 200] [--full]`. It prints a line a model; statistical
checks state rates that add up to 2 in a million, so that no failure is expected.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.testing.contract import CheckOptions, Plugin, items


def main() -> None:
    """Check each model under each seed, and print what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=["gaussian", "kde", "gmm"], help="gaussian kde gmm unless given")
    parser.add_argument("--seeds", type=int, default=200, help="runs of each (200)")
    parser.add_argument("--full", action="store_true", help="with the trainings of some seconds")
    options = parser.parse_args()
    discover(groups=("models",))
    for name in options.models:
        begin, failed, done = time.perf_counter(), Counter[str](), 0
        for seed in range(options.seeds):
            for item in items(Plugin(MODELS[name]), CheckOptions(fast=not options.full, seed=seed)):
                verdict = item.verdict()
                done += verdict.status != "skipped"
                failed[verdict.check] += verdict.status == "failed"
        shown = ", ".join(f"{check} {n}" for check, n in failed.items() if n) or "none"
        seconds = time.perf_counter() - begin
        print(f"{name}: {options.seeds} runs, {done:,} checks, failed: {shown} ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
