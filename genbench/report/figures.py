"""The figures of a run as pictures that lie inside a page, together no heavier than a page may be."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.display import formatting
from genbench.report.stored_only import NotKept, kept_only

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["BUDGET", "Picture", "pictures"]

BUDGET = 1_900_000  # bytes of all pictures of a page as they are written into it
SIZES = ((1600, 78), (1300, 70), (1050, 62), (800, 55), (600, 45))  # widths in pixels and qualities, tried in turn
DPI = 115
FEW = 20  # rows of a leaderboard whose figures one process draws before a second one has started
MOVING_SHARE = 0.4  # of those bytes, for moving pictures, at most
INKS, NEAR = 16, 1.5  # colours of a picture of lines and points, and by how many of 256 steps it may be off for it
LEFT_OUT = ("losses", "pareto", "seeds")  # the page draws the first two itself; the last is samples again, and heavy
FIRST = ("samples", "image_grids", "densities", "generation", "animation", "neighbours", "decisions", "gaps")
ACROSS = ("heat_map",)  # of several datasets; of one, the table says as much
APART = (  # what is drawn dataset by dataset: the heavy ones, and those whose names do not tell the dataset
    "samples", "image_grids", "neighbours", "decisions", "gaps", "interpolation", "fan", "diagnosis",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A picture: the figure that it is one of, the dataset that it shows ("" for all), and what is seen on it."""

    figure: str
    stem: str
    dataset: str
    alt: str
    width: int
    height: int
    content: bytes
    mime: str

    @property
    def uri(self) -> str:
        """The picture itself as an address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode()}"

    @property
    def moving(self) -> bool:
        """Whether it is an animation."""
        return self.mime == "image/gif"


def pictures(run: RunData, names: Sequence[str], jobs: int, budget: int = BUDGET) -> tuple[list[Picture], list[str]]:
    """Return the pictures of some figures of a run, and a line for each figure that could not be had.

    A figure is drawn from the store. Where that no longer has what it takes, as samples that are not in a repository,
    or where drawing it would take trained models, the file in the run's figures folder is taken, if there is one.

    Args:
        run: any run.
        names: of figures; empty for all but those that are left out and those that reload trained models. Of the
            latter, those that are named are drawn into the run's figures folder.
        jobs: processes that draw; 0 is this one.
        budget: bytes of all pictures as they are written into a page. They get smaller until they fit.
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
    by_figure: dict[str, list[Picture]] = {}
    for name in names or shows:
        by_figure[name], problems = drawn.get(name, ([], []))
        if problems or not by_figure[name]:
            here = {picture.stem for picture in by_figure[name]}
            by_figure[name] += [picture for picture in _stored(run, name) if picture.stem not in here]
        if not by_figure[name]:
            notes += [f"{name}: {problem}" for problem in dict.fromkeys(problems)]
    order = sorted(by_figure, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    found = [_told(run, picture, shows[name]) for name in order for picture in by_figure[name]]
    return _fitted(found, budget, notes), notes


def _drawn(run: RunData, names: Sequence[str], jobs: int) -> dict[str, tuple[list[Picture], list[str]]]:
    """Return the pictures of each figure, and why some are missing; those of one dataset are a piece of work each."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    work = [(name, dataset) for name in names for dataset in (datasets if name in APART else [None])]
    if jobs < 2 or len(work) < 2 or len(run.leaderboard().rows) < FEW:
        answers = [_draw(run, *each) for each in work]
    else:
        answers = _in_workers(run.path, work, jobs)
    drawn: dict[str, tuple[list[Picture], list[str]]] = {name: ([], []) for name in names}
    for (name, _), (found, problem) in zip(work, answers, strict=True):
        drawn[name][0].extend(found)
        drawn[name][1].extend([problem] if problem else [])
    return drawn


def _in_workers(path: Path, work: Sequence[tuple[str, str | None]], jobs: int) -> list[tuple[list[Picture], str]]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    try:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(_draw, path, *each) for each in work]
            return [future.result() for future in futures]
    except BrokenProcessPool:
        raise GenbenchError(
            f"a process that drew the figures of {path} died; try --jobs 0, or --figures none"
        ) from None


_runs: dict[Path, RunData] = {}


def _draw(run: RunData | Path, name: str, dataset: str | None) -> tuple[list[Picture], str]:
    """Draw one figure, of one dataset or of all, without what is not on disk; a worker reads its run once."""
    from genbench.figures import draw

    if isinstance(run, Path):
        run = _runs.get(run) or _runs.setdefault(run, RunData(run))
    try:
        figures = draw(kept_only(run), name, dataset)
        return [_encoded(run, name, dataset, stem, figure) for stem, figure in figures.items()], ""
    except NotKept as error:
        return [], str(error)
    except Exception as error:  # a figure that fails is no reason to have no page
        kind = "" if isinstance(error, GenbenchError) else f"{type(error).__name__}: "
        return [], kind + " ".join(str(error).split())


def _encoded(run: RunData, name: str, dataset: str | None, stem: str, figure: Figure) -> Picture:
    """Return a figure as a picture; one with a layout of its own is drawn once, another is cut to what is on it."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from PIL import Image

    from genbench.plotting.style import styled

    buffer = io.BytesIO()
    cut = None if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine) else "tight"
    with styled():
        figure.savefig(buffer, format="png", dpi=DPI, bbox_inches=cut, pil_kwargs={"compress_level": 1})
    blank = Picture(name, stem, dataset or _dataset_of(run, name, stem), "", 0, 0, b"", "")
    return _compressed(blank, Image.open(buffer), 0)


def _compressed(picture: Picture, image: Image, size: int) -> Picture:
    """Return a picture with an image as its content, in one of the `SIZES`, in few colours where that loses nothing."""
    from PIL import ImageChops, ImageStat
    from PIL.Image import Dither, Resampling

    width, quality = SIZES[size]
    image = image.convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Resampling.LANCZOS)
    content = _webp(image, quality=quality, method=4)
    inked = image.quantize(INKS, dither=Dither.NONE).convert("RGB")
    if max(ImageStat.Stat(ImageChops.difference(image, inked)).mean) < NEAR:  # lines, points and letters: sharper so
        content = min(content, _webp(inked, lossless=True, quality=30, method=3), key=len)
    return replace(picture, content=content, mime="image/webp", width=image.width, height=image.height)


def _webp(image: Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()


def _stored(run: RunData, name: str) -> list[Picture]:
    """Return the pictures of a figure that lie in the run's folder of figures: moving ones as they are."""
    from PIL import Image, UnidentifiedImageError

    found = []
    for file in sorted((run.path / "figures").glob("*")):
        if file.suffix not in (".png", ".gif") or not (file.stem == name or file.stem.startswith(f"{name}-")):
            continue
        blank = Picture(name, file.stem, _dataset_of(run, name, file.stem), "", 0, 0, b"", "image/gif")
        try:
            image = Image.open(file)
            image.load()
        except (OSError, UnidentifiedImageError):
            continue
        if file.suffix == ".png":
            found.append(_compressed(blank, image, 0))
        else:
            found.append(replace(blank, content=file.read_bytes(), width=image.width, height=image.height))
    return found


def _dataset_of(run: RunData, name: str, stem: str) -> str:
    """Return the dataset that a file's stem names, or the only one of the run; "" for a picture of several."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    rest = stem.removeprefix(name).removeprefix("-")
    named = [dataset for dataset in datasets if rest == dataset or rest.startswith((f"{dataset}-", _plain(dataset)))]
    if named:
        return max(named, key=len)
    return datasets[0] if len(datasets) == 1 else ""


def _plain(dataset: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_.=" else "_" for letter in dataset) + "-"


def _told(run: RunData, picture: Picture, shows: str) -> Picture:
    """Return a picture with what is seen on it in words: what the figure shows, of which data, which models lead."""
    board = run.leaderboard()
    rows = [row for row in board.rows if row.dataset == picture.dataset and row.place == row.dataset]
    words = [shows.rstrip(".") + ("." if not picture.dataset else f", on {picture.dataset}.")]
    scored = [row for row in rows if board.sort and row.metrics.get(board.sort)]
    if board.sort and len(scored) > 1 and not picture.moving:
        name = board.sort
        listed = [f"{row.model} {formatting.value(row, name, row.metrics[name])}" for row in scored[:4]]
        last = scored[-1]
        end = f"; last {last.model} {formatting.value(last, name, last.metrics[name])}" if len(scored) > 4 else ""
        words.append(f"By {formatting.label(name)}: {', '.join(listed)}{end}.")
    return replace(picture, alt=" ".join(words))


def _fitted(found: list[Picture], budget: int, notes: list[str]) -> list[Picture]:
    """Return the pictures in the largest of the `SIZES` in which they fit together; what moves keeps its size."""
    from PIL import Image

    kept: list[Picture] = []
    for picture in found:
        if picture.moving and _weight([*(p for p in kept if p.moving), picture]) > MOVING_SHARE * budget:
            notes.append(f"{picture.stem}: its file is too heavy for this page")
        else:
            kept.append(picture)
    for size in range(1, len(SIZES)):
        if _weight(kept) <= budget:
            break
        kept = [
            p if p.moving else _compressed(p, Image.open(io.BytesIO(p.content)), size)  # small ones stay as wide
            for p in kept
        ]
    return kept


def _weight(found: Iterable[Picture]) -> int:
    return sum(4 * len(picture.content) // 3 for picture in found)
