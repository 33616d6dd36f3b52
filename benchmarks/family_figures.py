"""Draw the figures of the pages of models, docs/models/*.webp: samples beside the truth, and where a family fails.

Run it as `python benchmarks/family_figures.py`; an hour of one core. Runs that lie in results/families already are
drawn as they are. `--commands` prints the command of each run, as the pages show it.
"""

from __future__ import annotations

import argparse
import io
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import genbench
from genbench.core.seeding import stream
from genbench.core.selection import parse
from genbench.core.types import Array
from genbench.plotting.canvas import new_figure
from genbench.plotting.image_grid import draw_mosaic, seen
from genbench.plotting.projection import view_of
from genbench.plotting.style import BLUE, INK, styled
from genbench.results import Run
from genbench.storage.records import TrialRecord

DOCS = Path(__file__).parents[1] / "docs" / "models"
SAMPLES, SHOWN = 5_000, 3_000  # points that are drawn from each model, and that a panel shows
WIDTH, WIDEST, MOST_COLUMNS = 9.0, 2.8, 4  # inches of a figure and of a panel; panels in a row
DPI, MOST_BYTES = 160, 60_000  # pages show figures at about half of their pixels
TITLE = 0.5  # inches above a panel
SIDE, LINES = 6, 5  # images in a row of a panel; windows of a series below each other in one
LETTERS, LINE = 32, 82  # of a title above a panel, and of a command


@dataclass(frozen=True)
class Shown:
    """What a figure shows: models beside each other, a row for each dataset."""

    models: tuple[str, ...]
    data: tuple[str, ...]


FIGURES = {
    "vae": Shown(("vae",), ("moons", "checkerboard")),
    "vae-fails": Shown(("vae[objective=elbo,training_samples=1]", "vae[latent_dim=1]"), ("eight_gaussians",)),
    "gan": Shown(("gan", "wgan_gp"), ("moons", "grid")),
    "gan-fails": Shown(("gan[loss=minimax,penalty=0,components=1]",), ("ring",)),
    "diffusion": Shown(("ddpm", "edm"), ("moons",)),
    "diffusion-fails": Shown(("ddpm[sampler=ancestral,steps=10]", "ddpm[sampler=ddim,steps=5]"), ("checkerboard",)),
    "coupling-flows": Shown(("coupling_flow", "spline_flow", "maf"), ("moons",)),
    "coupling-flows-fails": Shown(
        ("coupling_flow[components=0]", "coupling_flow[components=0,couplings=4]"), ("eight_gaussians",)
    ),
    "glow": Shown(("glow",), ("digits",)),
    "continuous-flows": Shown(("cnf",), ("moons", "checkerboard")),
    "flow-matching": Shown(("cfm", "fm", "ot_cfm", "rectified_flow", "sb_cfm", "vp_cfm"), ("moons",)),
    "flow-matching-fails": Shown(("cfm[steps=2]", "ot_cfm[steps=2]", "rectified_flow[steps=2]"), ("eight_gaussians",)),
    "autoregressive": Shown(("ar", "ar_transformer", "ar_gaussian"), ("moons",)),
    "autoregressive-fails": Shown(("ar[components=2,frequencies=0]",), ("two_spirals",)),
    "mixtures": Shown(("gmm", "kde"), ("moons",)),
    "mixtures-fails": Shown(("gmm", "kde"), ("product[copies=16,rotate=false]",)),
    "series": Shown(("ar_linear", "hmm"), ("ar_process", "hmm_gaussian")),
    "series-fails": Shown(("ar_linear", "hmm"), ("sine_mixture",)),
    "controls": Shown(("memoriser", "gaussian", "naive_bayes"), ("moons",)),
}


def command(name: str) -> str:
    """Return the command that makes the run of a figure, in several lines where one is too long for a page."""
    models, data = (f'"{text}"' if "[" in text else text for text in map(",".join, _selections(name)))
    lines = ["genbench run"]
    for part in (f"--models {models}", f"--data {data}", "--seeds 1", f"--samples {SAMPLES}", f"--name {name}"):
        if len(lines[-1]) + 1 + len(part) <= LINE:
            lines[-1] += f" {part}"
        else:
            lines.append(f"    {part}")
    return " \\\n".join(lines)


def _selections(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return FIGURES[name].models, FIGURES[name].data


def made(name: str, results: Path) -> Run:
    """Return the run of a figure, which is made where it is not there."""
    if not (results / name / "run.json").exists():
        models, data = map(list, _selections(name))
        genbench.run(models, data, 1, metrics="sliced_w2,kl,nll", name=name, results=results, samples=SAMPLES, jobs=1)
    return genbench.load_run(results / name)


def drawn(run: Run, shown: Shown) -> Figure:
    """Return a figure with the truth and each model of each dataset, which begins a new row."""
    trials = {(_named(trial.model), _named(trial.dataset)): trial for trial in run.trials}
    columns = 1 + len(shown.models)
    per_row = columns if columns <= MOST_COLUMNS else -(-columns // 2)
    truths = [_truth(trials[_named(shown.models[0]), _named(data)]) for data in shown.data]
    width = min(WIDTH / per_row, WIDEST)
    heights = [width * _aspect(truth) + TITLE for truth in truths for _ in range(-(-columns // per_row))]
    figure = new_figure(width * per_row, sum(heights))
    figure.get_layout_engine().set(h_pad=0.08)  # type: ignore[union-attr]
    grid = figure.subplots(len(heights), per_row, squeeze=False, height_ratios=heights).ravel()
    for panel in grid:
        panel.set_axis_off()
    for row, (data, truth) in enumerate(zip(shown.data, truths, strict=True)):
        places = iter(grid[row * len(grid) // len(truths) :])
        _show(next(places), truth, truth, INK, f"truth: {data}")
        for model in shown.models:
            samples = run.samples(trials[_named(model), _named(data)].key)
            assert samples is not None
            _show(next(places), samples, truth, BLUE, model)
    return figure


def _named(selection: str) -> tuple[str, frozenset[tuple[str, object]]]:
    """Return the name of a selection and what it sets; a record may write parameters in another order."""
    parsed = parse(selection)
    return parsed.name, frozenset(parsed.params.items())


def _truth(trial: TrialRecord) -> Array:
    """Return test points [n, *shape] of the dataset of a trial."""
    known = genbench.load_dataset(trial.spec.dataset_name, **trial.spec.dataset_params)
    return np.asarray(known.splits(stream(trial.seed, "data")).test, dtype=np.float64)


def _aspect(truth: Array) -> float:
    """Return the height of a panel as a share of its width."""
    return 1.0 if truth.ndim == 4 else 0.8 if _is_series(truth) else view_of(_plane(truth[:SHOWN])).aspect


def _is_series(x: Array) -> bool:
    return x.ndim == 2 and x.shape[1] == 16  # a window; the products that are shown have 32 coordinates


def _plane(x: Array) -> Array:
    """Return the first two coordinates."""
    return x[:, :2]


def _show(panel: Axes, x: Array, truth: Array, colour: str, title: str) -> None:
    """Draw samples x as images, as windows of a series, or as points, in the frame of the truth."""
    panel.set_axis_on()
    panel.set_title("\n".join(textwrap.wrap(title.replace(",", ", "), LETTERS)), fontsize=9)
    if x.ndim == 4:
        draw_mosaic(panel, seen(x, genbench.load_dataset("digits").levels), SIDE)
    elif _is_series(x):
        low, high = np.quantile(truth, [0.001, 0.999])
        panel.plot(x[:LINES].T - (high - low) * np.arange(LINES), color=colour, lw=1.2)
        panel.set(xticks=[], yticks=[])
    else:
        view = view_of(_plane(truth[:SHOWN]))
        view.show(panel, _plane(x[:SHOWN]), colour, size=1.6)
        view.frame(panel)


def write(figure: Figure, file: Path) -> None:
    """Write a figure as WebP, in the best quality that takes at most `MOST_BYTES`."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.03)
    for quality in range(90, 0, -10):
        out = io.BytesIO()
        Image.open(png).convert("RGB").save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MOST_BYTES:
            break
    file.write_bytes(out.getvalue())


def main() -> None:
    """Make the runs and the figures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", help=f"which of {', '.join(FIGURES)}; all unless given")
    parser.add_argument("--results", type=Path, default=Path("results/families"), help="where runs are: %(default)s")
    parser.add_argument("--commands", action="store_true", help="print the commands of the runs, and draw nothing")
    asked = parser.parse_args()
    if unknown := set(asked.figures) - set(FIGURES):
        parser.error(f"no figure {', '.join(sorted(unknown))}; choose from {', '.join(FIGURES)}")
    for name in asked.figures or FIGURES:
        if asked.commands:
            print(command(name))
            continue
        run = made(name, asked.results)
        with styled():
            write(drawn(run, FIGURES[name]), DOCS / f"{name}.webp")
        print(f"{DOCS / name}.webp: {(DOCS / f'{name}.webp').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
