"""What a reference run shows about each model, beside the goals.

  python benchmarks/gates.py results/reference/zoo-standard-large results/reference/gan-modes

Nothing is trained: all is read from the store. For each run it prints, of what the run has:

  quality   medians over datasets; a cell says how many seeds it rests on where these are not three
  modes     for GANs, seed by seed: how many found all modes, and the worst of the rest
  energy    normalised path energies, seed by seed, of transport by optimal and by independent pairs
  gaps      differences in KL by pairs of seeds: of a diffusion and flow matching on its path, which should agree,
            and of a diffusion that is told the time as one number and one that has it embedded
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import genbench
from genbench.analysis.scores import Row
from genbench.core.errors import GenbenchError
from genbench.core.selection import parse
from genbench.statistics.paired import paired
from genbench.storage.records import TrialRecord

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
LONGEST = 60  # seconds of a training
ALL_MODES, PURE, EVEN = 0.9, (0.9, 0.992), 0.5  # of seeds; of samples; of a mode's share, or the other way round
STRAIGHT, ENERGY, THIRD = ("ot_cfm", "cfm"), "normalised_path_energy", 1 / 3
GAPS = (("vp_cfm", "ddpm"), ("ddpm[time_embedding=simple]", "ddpm"))


def cell(rows: list[Row], metric: str, most: float | None, ratio: bool = False) -> str:
    """Return the median of a metric's means over rows, against a goal."""
    scores = [row.metrics[metric] for row in rows if row.metrics.get(metric)]
    values = [v for s in scores if s and (v := s.ratio if ratio else s.mean) is not None]
    if not values:
        return "–"
    seeds = min(row.seeds for row in rows)
    verdict = "" if most is None else f" ({'≤' if statistics.median(values) <= most else '**>**'} {most:g})"
    few = rows[0].dataset in SMOOTH and len(values) < len(SMOOTH)
    partial = f", {len(values)} set{'s' if len(values) > 1 else ''}" if few else ""
    return f"{statistics.median(values):.4f}{verdict}{partial}" + (f", {seeds} seed" if seeds < 3 else "")


def quality(run: genbench.Run) -> None:
    """Print medians over datasets in markdown."""
    rows, lines = run.leaderboard().rows, []
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        smooth = [row for row in mine if row.dataset in SMOOTH]
        hard, wide = ([row for row in mine if row.dataset == name] for name in (HARD, WIDE))
        goal = KL.get(model)
        taken = [trial.cost.train_seconds for trial in run.trials if trial.model == model and trial.cost]
        cells = (
            cell(smooth, "kl", goal) if smooth else "–",
            cell(hard, "kl", goal and 3 * goal) if hard else "–",
            cell(wide, "kl", WIDE_KL.get(model)) if wide else "–",
            cell(smooth, "sliced_w2", RATIO.get(model), ratio=True) if smooth else "–",
        )
        if set(cells) != {"–"}:
            long = f"{max(taken):.0f} ({'≤' if max(taken) <= LONGEST else '**>**'} {LONGEST})" if taken else "–"
            lines.append(f"| {model} | {' | '.join(cells)} | {long} |")
    if lines:
        print(
            "\n| model | KL, median of the smooth sets | KL, checkerboard | KL, 16 dimensions "
            "| sliced W2 × oracle, median | longest training, s |\n| --- | --- | --- | --- | --- | --- |",
            *lines,
            sep="\n",
        )


def modes(trials: list[TrialRecord]) -> None:
    """Print how many seeds of each GAN found all modes, and the extremes of the rest over its seeds, in markdown."""
    found = _by_place(trial for trial in trials if trial.family == "gan" and trial.metrics.get("modes") is not None)
    if not found:
        return
    print("\n| model | data | seeds with all modes | high quality | mode balance, least | training seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (model, dataset), group in found.items():
        named = parse(dataset)
        centres = genbench.load_dataset(named.name, **named.params).modes
        assert centres is not None
        scores = {name: [trial.metrics.get(name) for trial in group] for name in ("high_quality", "mode_balance")}
        high, balance = ([v for v in values if v is not None] for values in scores.values())
        full = sum(trial.metrics["modes"] == len(centres) for trial in group)
        fine = full >= ALL_MODES * len(group)
        pure = PURE[0] <= min(high) and max(high) <= PURE[1]
        span = f"{_span(high, 4)} ({'in' if pure else '**not in**'} {PURE[0]:g} to {PURE[1]:g})"
        even = f"{min(balance):.2f} ({'≥' if min(balance) >= EVEN else '**<**'} {EVEN:g})" if balance else "–"
        counted = f"{full} of {len(group)} ({'≥' if fine else '**<**'} {ALL_MODES:.0%})"
        seconds = _span([trial.cost.train_seconds for trial in group if trial.cost], 0)
        print(f"| {model} | {dataset} | {counted} | {span} | {even} | {seconds} |")


def energies(trials: list[TrialRecord]) -> None:
    """Print the normalised path energies of optimal and of independent pairs over the seeds, in markdown."""
    found = _by_place(t for t in trials if t.model in STRAIGHT and ENERGY in t.diagnostics)
    shared = [data for data in dict.fromkeys(data for _, data in found) if all((m, data) in found for m in STRAIGHT)]
    if not shared:
        return
    print(f"\nNormalised path energy: {STRAIGHT[0]} at most a third of {STRAIGHT[1]}.\n")
    print(f"| data | {STRAIGHT[0]} | {STRAIGHT[1]} | largest / least |")
    print("| --- | --- | --- | --- |")
    for data in shared:
        paired, free = ([t.diagnostics[ENERGY] for t in found[m, data]] for m in STRAIGHT)
        worst = max(paired) / min(free)
        verdict = f"{worst:.3f} ({'≤' if worst <= THIRD else '**>**'} 1/3)"
        print(f"| {data} | {_span(paired, 3)} | {_span(free, 3)} | {verdict} |")


def gaps(trials: list[TrialRecord]) -> None:
    """Print the differences in KL of two models, by pairs of the same seed, in markdown."""
    found = _by_place(t for t in trials if t.metrics.get("kl") is not None)
    for mine, other in GAPS:
        shared = [data for model, data in found if model == mine and (other, data) in found]
        rows = [_gap(data, found[mine, data], found[other, data]) for data in shared]
        if lines := [row for row in rows if row]:
            print(f"\nKL of {mine} less that of {other}, with a 95 % interval over seeds.\n")
            print(f"| data | {mine} | {other} | difference |\n| --- | --- | --- | --- |", *lines, sep="\n")


def _gap(data: str, mine: list[TrialRecord], other: list[TrialRecord]) -> str:
    """Return a row of the table; empty where one seed, or none, has both."""
    a, b = ({t.seed: t.metrics["kl"] or 0.0 for t in group} for group in (mine, other))
    gap = paired(b, a)
    if gap.n < 2:
        return ""
    means = (f"{statistics.fmean(scores.values()):.4f}" for scores in (a, b))
    verdict = "agree" if gap.low <= 0 <= gap.high else "**differ**"
    return f"| {data} | {' | '.join(means)} | {gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] ({verdict}) |"


def _by_place(trials: Iterable[TrialRecord]) -> dict[tuple[str, str], list[TrialRecord]]:
    """Return the trials that ended well by model and dataset."""
    places: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in trials:
        if trial.status == "ok":
            places.setdefault((trial.model, trial.dataset), []).append(trial)
    return places


def _span(values: list[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def main() -> int:
    """Print the tables of each run that is named: exit code 2 where a folder holds none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run")
    try:
        for run in [genbench.load_run(folder) for folder in parser.parse_args().runs]:
            print(f"\n## {run.path.name}")
            quality(run)
            modes(run.trials)
            energies(run.trials)
            gaps(run.trials)
    except GenbenchError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
