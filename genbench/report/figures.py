"""The figures of a run as images in a page, within a limit of size."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.analysis.run_data import RunData
from genbench.analysis.verdicts import Margin
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover, named
from genbench.core.regular_files import read_regular
from genbench.display import formatting
from genbench.report.page_figure import PageFigure
from genbench.report.sample_panels import panel_boxes
from genbench.report.stored_only import NotStored, stored_only

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["BUDGET", "page_figures"]

BUDGET = 1_900_000  # bytes of all figures, as written into a page: small enough for mail and old browsers
SIZES = ((1600, 78), (1300, 70), (1050, 62), (800, 55), (600, 45))  # widths in pixels and qualities, tried in turn
LARGEST, PIXELS = 2**25, 5 * 10**7  # bytes and pixels of an image that is on disk; the largest of ours have a fifth
DPI = 115  # legible letters in few bytes; this, SIZES and the next constants are chosen by hand
FEW = 20  # rows of a leaderboard; with fewer, starting a second process takes longer than drawing
MOVING_SHARE = 0.4  # the largest share of these bytes for animations
# Images of lines and points are written with INKS colours, enough for ten models: if they have at most MOST_INKS, with
# those that smooth edges, and if the mean error is below NEAR of 256 steps.
INKS, MOST_INKS, NEAR = 64, 2**15, 1.5
# The page draws the first four itself, its tables have the scores of the seeds, and `seed_samples` is large.
LEFT_OUT = ("losses", "pareto", "speed", "pairs", "seeds", "seed_samples")
FIRST = (
    "verdicts", "samples", "image_grids", "densities", "generation", "animation", "neighbours", "decisions", "gaps",
)  # fmt: skip
ACROSS = ("heat_map", "profile")  # for runs of several datasets; with one, the table has the same
APART = (  # drawn by dataset: figures that are large, or whose file names lack the dataset
    "samples", "image_grids", "neighbours", "decisions", "gaps", "interpolation", "fan", "diagnosis",
)  # fmt: skip
Stored = tuple[Path, str | Margin | None]  # what a worker needs to open a run: its folder, and its margin


def page_figures(
    run: RunData, names: Sequence[str], jobs: int, budget: int = BUDGET
) -> tuple[list[PageFigure], list[str]]:
    """Return the images of some figures, and a line for each figure that is unavailable.

    A figure is drawn from the stored trials. If samples are missing, as in a repository, or if the figure needs trained
    models, the image in the run's folder of figures is used, if there is one.

    Args:
        names: names of figures; empty for all that need no trained models, except `LEFT_OUT`. Named figures that need
            trained models are drawn into the run's folder of figures.
        jobs: number of processes that draw; 0 is this process.
        budget: largest size of all images in a page, in bytes. Images are made smaller until they fit.
    """
    from genbench.figures import available, needs_weights, save

    one = len({trial.dataset for trial in run.trials}) == 1
    left_out = {*LEFT_OUT, *(ACROSS if one else ())} - set(names)
    shows = {name: what for name, what in available().items() if name not in left_out}
    chosen = [name for name in names or shows if not needs_weights(name)]
    notes: list[str] = []
    if heavy := [name for name in names if needs_weights(name)]:
        save(run, heavy, say=notes.append)
    drawn = _drawn(run, chosen, jobs)
    by_figure: dict[str, list[PageFigure]] = {}
    for name in names or shows:
        by_figure[name], problems = drawn.get(name, ([], []))
        if problems or not by_figure[name]:
            here = {image.stem for image in by_figure[name]}
            by_figure[name] += [image for image in _stored(run, name) if image.stem not in here]
        if not by_figure[name]:
            notes += [f"{name}: {problem}" for problem in dict.fromkeys(problems)]
    order = sorted(by_figure, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    found = [_described(run, image, shows[name]) for name in order for image in by_figure[name]]
    return _fitted(found, budget, notes), notes


def _drawn(run: RunData, names: Sequence[str], jobs: int) -> dict[str, tuple[list[PageFigure], list[str]]]:
    """Return the images of each figure, and why some are missing. Heavy figures are drawn by dataset."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    work = [(name, dataset) for name in names for dataset in (datasets if name in APART else [None])]
    if jobs < 2 or len(work) < 2 or len(run.leaderboard().rows) < FEW:
        answers = [_draw(run, *each) for each in work]
    else:
        answers = _in_workers((run.path, run.margin), work, jobs)
    drawn: dict[str, tuple[list[PageFigure], list[str]]] = {name: ([], []) for name in names}
    for (name, _), (found, problem) in zip(work, answers, strict=True):
        drawn[name][0].extend(found)
        drawn[name][1].extend([problem] if problem else [])
    return drawn


def _in_workers(
    stored: Stored, work: Sequence[tuple[str, str | None]], jobs: int
) -> list[tuple[list[PageFigure], str]]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    try:
        context = get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context, initializer=_vouch, initargs=(named(),)) as pool:
            futures = [pool.submit(_draw, stored, *each) for each in work]
            return [future.result() for future in futures]
    except BrokenProcessPool:
        raise GenbenchError(
            f"a process that drew the figures of {stored[0]} died; try --jobs 0, or --figures none"
        ) from None


def _vouch(plugins: tuple[str, ...]) -> None:
    """Import, in a worker, the plugins that the user named."""
    if plugins:
        discover(plugins)


_runs: dict[Stored, RunData] = {}


def _draw(run: RunData | Stored, name: str, dataset: str | None) -> tuple[list[PageFigure], str]:
    """Draw one figure of one dataset or of all, from what is on disk. A worker opens its run only once."""
    from genbench.figures import draw

    if not isinstance(run, RunData):
        (path, margin), asked = run, run
        run = _runs.get(asked) or _runs.setdefault(asked, RunData(path))
        run.margin = margin
    try:
        figures = draw(stored_only(run), name, dataset)
        return [_encoded(run, name, dataset, stem, figure) for stem, figure in figures.items()], ""
    except NotStored as error:
        return [], str(error)
    except Exception as error:  # of any kind: a page without one of its figures is still useful
        kind = "" if isinstance(error, GenbenchError) else f"{type(error).__name__}: "
        return [], kind + " ".join(str(error).split())


def _encoded(run: RunData, name: str, dataset: str | None, stem: str, figure: Figure) -> PageFigure:
    """Return a figure as an image."""
    from PIL import Image

    from genbench.plotting.style import styled

    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})
        panels = panel_boxes(run, name, dataset, figure)
    blank = PageFigure(figure=name, stem=stem, dataset=dataset or _dataset_of(run, name, stem), panels=panels)
    return _compressed(blank, Image.open(buffer), 0)


def _compressed(figure: PageFigure, image: Image, size: int) -> PageFigure:
    """Return the figure with an image in one of the `SIZES`, with few colours if that loses nothing."""
    from PIL import ImageChops, ImageStat
    from PIL.Image import Dither, Quantize, Resampling

    width, quality = SIZES[size]
    image = image.convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Resampling.LANCZOS)
    content = _webp(image, quality=quality, method=4)
    if image.getcolors(MOST_INKS):  # lines, points and letters are sharper in few colours
        inked = image.quantize(INKS, Quantize.MAXCOVERAGE, dither=Dither.NONE).convert("RGB")
        if max(ImageStat.Stat(ImageChops.difference(image, inked)).mean) < NEAR:
            content = min(content, _webp(inked, lossless=True, quality=30, method=3), key=len)
    return replace(figure, content=content, mime="image/webp", width=image.width, height=image.height)


def _webp(image: Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()


def _stored(run: RunData, name: str) -> list[PageFigure]:
    """Return the images of a figure that are in the run's figures folder; animations stay as they are."""
    from PIL import Image, UnidentifiedImageError

    found = []
    for file in sorted((run.path / "figures").glob("*")):
        if file.suffix not in (".png", ".gif") or not (file.stem == name or file.stem.startswith(f"{name}-")):
            continue
        dataset = _dataset_of(run, name, file.stem)
        blank = PageFigure(figure=name, stem=file.stem, dataset=dataset, mime="image/gif")
        try:
            content = read_regular(file, run.path, LARGEST)
            image = Image.open(io.BytesIO(content), formats=["PNG", "GIF"])
            if image.width * image.height > PIXELS:
                continue
            image.load()
        except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
            continue
        if file.suffix == ".png":
            found.append(_compressed(blank, image, 0))
        else:
            found.append(replace(blank, content=content, width=image.width, height=image.height))
    return found


def _dataset_of(run: RunData, name: str, stem: str) -> str:
    """Return the dataset that a file's stem names, or the only one of the run; "" for a figure of several."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    rest = stem.removeprefix(name).removeprefix("-")
    from genbench.figures.shared.panels import file_stem

    written = {dataset: (file_stem(dataset), re.sub(r"[^\w.=]", "_", dataset)) for dataset in datasets}
    named = [
        one for one in datasets if rest == written[one][0] or rest.startswith(tuple(f"{w}-" for w in written[one]))
    ]
    if named:
        return max(named, key=len)
    return datasets[0] if len(datasets) == 1 else ""


def _described(run: RunData, image: PageFigure, shows: str) -> PageFigure:
    """Return the figure with its text: what it shows, the dataset, and the models that lead."""
    board = run.leaderboard()
    rows = [row for row in board.rows if row.dataset == image.dataset and row.place == row.dataset]
    words = [shows.rstrip(".") + ("." if not image.dataset else f", on {image.dataset}.")]
    name = board.sorted_by(image.dataset) if rows else None
    scored = [row for row in rows if name and row.metrics.get(name)]
    if name and len(scored) > 1 and not image.moving:
        listed = [f"{row.model} {formatting.value(row, name, row.metrics[name])}" for row in scored[:4]]
        last = scored[-1]
        end = f"; last {last.model} {formatting.value(last, name, last.metrics[name])}" if len(scored) > 4 else ""
        words.append(f"By {formatting.label(name)}: {', '.join(listed)}{end}.")
    return replace(image, alt=" ".join(words))


def _fitted(found: list[PageFigure], budget: int, notes: list[str]) -> list[PageFigure]:
    """Return the images in the largest of the `SIZES` in which all fit; animations keep their size."""
    from PIL import Image

    fitting: list[PageFigure] = []
    for image in found:
        if image.moving and _weight([*(p for p in fitting if p.moving), image]) > MOVING_SHARE * budget:
            notes.append(f"{image.stem}: its file is too heavy for this page")
        else:
            fitting.append(image)
    for size in range(1, len(SIZES)):
        if _weight(fitting) <= budget:
            break
        fitting = [
            p if p.moving else _compressed(p, Image.open(io.BytesIO(p.content)), size)  # small images keep their width
            for p in fitting
        ]
    return fitting


def _weight(found: Iterable[PageFigure]) -> int:
    return sum(4 * len(image.content) // 3 for image in found)
