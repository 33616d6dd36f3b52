"""Draw every figure of genbench in small: docs/figures/<run>.webp, and the table of docs/figures.md.

Run it as `python benchmarks/contact_sheet.py`; half an hour of two cores, or minutes with `--budget smoke`. Runs that
lie in the folder of `--results` already are drawn as they are. `--table` writes the table alone, in a second.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import genbench
from genbench.figures import animate, available, draw, needs_weights
from genbench.plotting.style import styled
from genbench.results import Run

DOCS = Path(__file__).parents[1] / "docs"
MODELS = "cfm,ddpm,coupling_flow,gan,vae,gmm,kde,gaussian"
PLANE = "moons,circles,swiss_roll,eight_gaussians,pinwheel"
ALL_BYTES = 1_450_000  # of all sheets
COLUMNS, WIDTH, HEIGHT, GAP, LINE = 4, 400, 300, 12, 20  # thumbnails beside each other; pixels
MOST = 3  # drawings of one figure: `diagnosis` has one for each model
ROWS = 2_000  # of the table with eight columns
BEGIN, END = "<!-- figures: by benchmarks/contact_sheet.py --table -->", "<!-- end -->"


@dataclass(frozen=True)
class Job:
    """A call of `genbench.run`: what of it differs from the defaults of this script; `sweep` follows it where true."""

    data: str
    models: str = ""
    task: str = "generate"
    sweep: bool = False


RUNS = {
    "moons": (Job("moons", sweep=True), Job("moons", "cfm,ddpm,coupling_flow,gmm", "curve")),
    "ring": (Job("ring"),),
    "digits": (Job("digits"),),
    "wine": (Job("wine"),),
    "mix16": (Job("gaussian_mixture[dim=16]"),),
    "people": (Job("{results}/people.csv"),),
    "airline": (Job("airline"),),
    "tasks": (
        Job("moons", "gmm,kde,gaussian,naive_bayes,logistic_regression,gradient_boosting", "classify"),
        Job("moons", "kde,gmm,coupling_flow,cfm,gaussian", "impute"),
        Job("moons", "cfm,ddpm,coupling_flow,vae[objective=elbo]", "interpolate"),
        Job("airline[log=true]", "ar_linear[p=12],gaussian,gmm,naive,seasonal_naive", "forecast"),
        Job("gaussian_mixture", "gmm,kde,coupling_flow", "scaling"),
    ),
    "across": (Job(f"{PLANE},rare_modes,student_t", "gmm,kde,gaussian,coupling_flow"),),
}


def write_table(file: Path, seed: int = 0) -> None:
    """Write a table of eight columns that depend on each other: skewed, with two modes, with far values."""
    rng = np.random.default_rng(seed)
    age, height = rng.gamma(6, 7, ROWS), rng.normal(170, 9, ROWS)
    weight = 22 * (height / 100) ** 2 * np.exp(rng.normal(0, 0.15, ROWS))
    sleep = np.where(rng.random(ROWS) < 0.2, rng.normal(5, 0.4, ROWS), rng.normal(7.5, 0.6, ROWS))
    columns = {
        "age": age,
        "income": np.exp(9 + 0.02 * age + rng.normal(0, 0.4, ROWS)),
        "height_cm": height,
        "weight_kg": weight,
        "steps": np.maximum(0, rng.normal(6000, 800, ROWS) - 40 * (age - 42)),
        "pressure": 100 + 0.5 * age + 0.2 * (weight - 70) + rng.normal(0, 8, ROWS),
        "sleep_hours": sleep,
        "score": np.tanh(sleep - 6) + 0.3 * rng.standard_t(3, ROWS),
    }
    rows = np.column_stack(list(columns.values()))
    np.savetxt(file, rows, "%.6g", ",", header=",".join(columns), comments="", encoding="utf-8")


def made(name: str, results: Path, models: str, budget: str) -> Run:
    """Return a run, which is made where it is not there."""
    if not (results / name / "run.json").exists():
        for job in RUNS[name]:
            run = genbench.run(
                job.models or models, job.data.format(results=results), 2, budget, task=job.task, name=name,
                results=results,
            )  # fmt: skip
            if job.sweep:
                from genbench.runs.sweep import sweep

                sweep(run)
    return genbench.load_run(results / name)


def thumbnails(run: Run, say: Callable[[str], None]) -> Iterator[tuple[str, str, Image.Image]]:
    """Yield every figure of a run in small: its name, its stem, and of what moves the frame in the middle."""
    for name in available():
        try:
            for stem, figure in list(draw(run, name).items())[:MOST]:
                out = io.BytesIO()
                with styled():
                    figure.savefig(out, format="png", dpi=90)
                yield name, stem, Image.open(out)
            for stem, animation in list(animate(run, name).items())[:1]:
                with tempfile.TemporaryDirectory() as folder, styled():
                    animation.save(f"{folder}/a.gif", writer="pillow", dpi=60)
                    with Image.open(f"{folder}/a.gif") as moving:
                        moving.seek(moving.n_frames // 2)
                        yield name, f"{stem} (moving)", moving.convert("RGB")
        except Exception as error:  # the other figures are drawn
            say(f"{run.name}: figure {name} failed: {type(error).__name__}: {error}")


def sheet(found: list[tuple[str, Image.Image]]) -> Image.Image:
    """Return thumbnails in rows, each with its name below it."""
    from matplotlib.font_manager import findfont

    letters = ImageFont.truetype(findfont("DejaVu Sans"), 14)
    small = [(stem, _fitted(image.convert("RGB"))) for stem, image in found]
    rows = [small[i : i + COLUMNS] for i in range(0, len(small), COLUMNS)]
    heights = [max(image.height for _, image in row) + LINE + GAP for row in rows]
    page = Image.new("RGB", (COLUMNS * (WIDTH + GAP) + GAP, sum(heights) + GAP), "white")
    pen, top = ImageDraw.Draw(page), GAP
    for row, height in zip(rows, heights, strict=True):
        for i, (stem, image) in enumerate(row):
            left = GAP + i * (WIDTH + GAP)
            page.paste(image, (left + (WIDTH - image.width) // 2, top))
            pen.text((left + WIDTH // 2, top + image.height + 3), stem, "#444444", letters, anchor="mt")
        top += height
    return page


def _fitted(image: Image.Image) -> Image.Image:
    scale = min(WIDTH / image.width, HEIGHT / image.height)
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def write_sheet(page: Image.Image, file: Path, most: int) -> None:
    """Write a sheet in the best quality that takes at most so many bytes."""
    for quality in range(80, 0, -10):
        out = io.BytesIO()
        page.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= most:
            break
    file.write_bytes(out.getvalue())


def table() -> str:
    """Return the rows of the table of figures, as docs/figures.md has them."""
    rows = ["| figure | what it shows |", "|---|---|"]
    rows += [
        f"| `{name}`{' *' if needs_weights(name) else ''} | {what.rstrip('.')} |" for name, what in available().items()
    ]
    return "\n".join(rows)


def write_docs(file: Path) -> None:
    """Put the table into its place on the page about figures."""
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    file.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """Make the runs that are asked for, and their sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", help=f"which of {', '.join(RUNS)}; all unless given")
    parser.add_argument("--models", default=MODELS, help="of the runs that generate; default: %(default)s")
    parser.add_argument("--budget", default="quick", help="of each training run; default: %(default)s")
    parser.add_argument(
        "--results", type=Path, default=Path("results/figures"), help="where runs are; default: %(default)s"
    )
    parser.add_argument("--out", type=Path, default=DOCS / "figures", help="where sheets go; default: docs/figures")
    parser.add_argument("--table", action="store_true", help="write the table of docs/figures.md, and no sheet")
    asked = parser.parse_args()
    if unknown := set(asked.runs) - set(RUNS):
        parser.error(f"no run {', '.join(sorted(unknown))}; choose from {', '.join(RUNS)}")
    write_docs(DOCS / "figures.md")
    if asked.table:
        return
    asked.results.mkdir(parents=True, exist_ok=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    if not (asked.results / "people.csv").exists():
        write_table(asked.results / "people.csv")
    seen, failures = set[str](), list[str]()
    for name in asked.runs or RUNS:
        found = list(thumbnails(made(name, asked.results, asked.models, asked.budget), failures.append))
        seen |= {figure for figure, *_ in found}
        write_sheet(
            sheet([(stem, image) for _, stem, image in found]), asked.out / f"{name}.webp", ALL_BYTES // len(RUNS)
        )
        print(f"{asked.out / name}.webp: {len(found)} figures")
    if missing := sorted(set(available()) - seen):
        print(f"shown by none of these runs: {', '.join(missing)}")
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
