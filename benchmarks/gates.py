"""What a reference run shows about each model: medians over datasets, beside the goals.

Run it as `python benchmarks/gates.py results/reference/zoo-standard …`, a table a run. Nothing is trained: all is read
from the store. A cell says how many seeds it rests on where these are not three.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import genbench
from genbench.leaderboard import Row

SMOOTH = ("moons", "circles", "swiss_roll", "eight_gaussians", "pinwheel", "stretched_gaussian")
HARD, WIDE = "checkerboard", "gaussian_mixture[dim=16]"
KL = {  # largest median KL in nats over the smooth sets; three times that on the checkerboard
    "ar": 0.01,
    "spline_flow": 0.02,
    "cfm": 0.02,
    "ot_cfm": 0.02,
    "cnf": 0.02,
    "ddpm": 0.04,
    "maf": 0.04,
    "coupling_flow": 0.08,
    "vae": 0.15,
}
WIDE_KL = {"spline_flow": 0.5, "ar": 0.5, "cfm": 0.5}
RATIO = dict.fromkeys(("cfm", "ot_cfm", "ddpm", "spline_flow", "ar"), 1.5)  # sliced W2, × oracle


def cell(rows: list[Row], metric: str, most: float | None, ratio: bool = False) -> str:
    """Return the median of a metric's means over rows, against a goal."""
    scores = [row.metrics[metric] for row in rows if row.metrics.get(metric)]
    values = [v for s in scores if s and (v := s.ratio if ratio else s.mean) is not None]
    if not values:
        return "–"
    seeds = min(row.seeds for row in rows)
    verdict = "" if most is None else f" ({'≤' if statistics.median(values) <= most else '**>**'} {most:g})"
    partial = f", {len(values)} sets" if len(rows) > 1 and len(values) < len(SMOOTH) else ""
    return f"{statistics.median(values):.4f}{verdict}{partial}" + (f", {seeds} seed" if seeds < 3 else "")


def table(run: genbench.Run) -> None:
    """Print the table of a run in markdown."""
    rows = run.leaderboard().rows
    print(f"\n## {run.path.name}\n")
    print(
        "| model | KL, median of the smooth sets | KL, checkerboard | KL, 16 dimensions | sliced W2 × oracle, median |"
    )
    print("| --- | --- | --- | --- | --- |")
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        smooth = [row for row in mine if row.dataset in SMOOTH]
        hard, wide = ([row for row in mine if row.dataset == name] for name in (HARD, WIDE))
        goal = KL.get(model)
        cells = (
            cell(smooth, "kl", goal) if smooth else "–",
            cell(hard, "kl", goal and 3 * goal) if hard else "–",
            cell(wide, "kl", WIDE_KL.get(model)) if wide else "–",
            cell(smooth, "sliced_w2", RATIO.get(model), ratio=True) if smooth else "–",
        )
        print(f"| {model} | " + " | ".join(cells) + " |")


def main() -> None:
    """Print a table for each run that is named."""
    for folder in sys.argv[1:] or ["results/reference/zoo-standard"]:
        table(genbench.load_run(Path(folder)))


if __name__ == "__main__":
    main()
