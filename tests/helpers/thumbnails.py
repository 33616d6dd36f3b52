"""Figures as grey levels, 32 beside each other, to be compared within a tolerance: what a reader sees from afar.

pytest-mpl compares hashes, which each version of matplotlib or FreeType changes, or whole images, which a repository
had to keep. A square of a thumbnail is about a letter wide, so that letters may be set a little otherwise; a panel, a
legend or a line that is lost, or that has another place or colour, is many squares. Write them anew with

    python tests/helpers/thumbnails.py

and look at the difference in tests/figures/thumbnails.txt: the digits are darkness, from blank (0) to black (v).
"""

import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

FILE = Path(__file__).parents[1] / "figures" / "thumbnails.txt"
SIDE, LEVELS, DPI = 32, 32, 72
# What two thumbnails of one figure may differ by, as shares of black: in 2 × 2 squares, and on average. To set letters
# without hinting changes up to 0.064 and 0.008; to leave out one model of five is beyond one of them in all figures
# but `diagnosis`, which has one model.
LARGEST, MEAN = 0.085, 0.01
NAMES = ("curve", "decisions", "diagnosis", "fan", "forest", "gaps", "heat_map", "losses", "samples", "scaling")
STYLE, MODELS = "paper", 5


def thumbnail(figure, dpi: int = DPI) -> np.ndarray:
    """Return how dark a figure is, [SIDE or more, SIDE] in 0 … 1: squares, or in a wide figure upright rectangles."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi)
    image = Image.open(out).convert("L")
    rows = max(SIDE, round(SIDE * image.height / image.width))  # else a line would be lost in those of a high figure
    small = image.resize((SIDE, rows), Image.Resampling.BOX)
    return 1 - np.asarray(small, dtype=np.float64) / 255


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two thumbnails of one size are of the same figure, but for how letters are set."""
    if one.shape != other.shape:
        return False
    gap = one - other
    squares = (gap[:-1, :-1] + gap[1:, :-1] + gap[:-1, 1:] + gap[1:, 1:]) / 4
    return bool(np.abs(squares).max() <= LARGEST and np.abs(gap).mean() <= MEAN)


def stored() -> dict[str, np.ndarray]:
    """Return the thumbnails of the file by name."""
    blocks = [block.splitlines() for block in FILE.read_text().split("\n\n")]
    return {
        name: np.array([[int(digit, LEVELS) for digit in row] for row in rows]) / (LEVELS - 1) for name, *rows in blocks
    }


def write(found: Mapping[str, np.ndarray]) -> None:
    """Write thumbnails into the file."""
    rows = {name: np.round(x * (LEVELS - 1)).astype(int) for name, x in found.items()}
    FILE.write_text(
        "\n\n".join(
            "\n".join([name, *("".join(np.base_repr(k, LEVELS).lower() for k in row) for row in x)])
            for name, x in rows.items()
        )
        + "\n"
    )


def main() -> None:
    """Draw the figures and write their thumbnails."""
    from figure_runs import TASKS, figure_run
    from genbench.figures import draw
    from genbench.plotting.style import style_named, styled

    with tempfile.TemporaryDirectory() as folder, styled(style_named(STYLE)):
        run = figure_run(Path(folder), MODELS, tasks=TASKS)
        write(
            {
                stem: thumbnail(figure)
                for name in NAMES
                for stem, figure in list(draw(run, name, style=STYLE).items())[:1]
            }
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
