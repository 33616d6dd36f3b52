"""Pictures inside a page: drawn where the store allows it, taken from the run's folder where it does not."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

import genbench
from genbench.figures import draw
from genbench.figures.verdicts import LOOKS
from genbench.report.figures import page_figures
from stored_runs import MODELS, PLAIN, QUOTED, stored_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return stored_run(tmp_path_factory.mktemp("pictures"), models=("oracle", "another", "copies"))


def test_a_picture_says_what_is_seen(folder):
    found, notes = page_figures(genbench.load_run(folder), ["samples"], jobs=0)
    assert notes == []
    assert [picture.dataset for picture in found] == [PLAIN, QUOTED]
    for picture in found:
        assert picture.dataset in picture.alt
        assert "another" in picture.alt
        image = Image.open(io.BytesIO(picture.content))
        assert image.size == (picture.width, picture.height)
        assert np.asarray(image.convert("L")).std() > 5, "not blank"
        assert picture.uri.startswith("data:image/webp;base64,")
    light, _ = page_figures(genbench.load_run(folder), ["samples"], jobs=0, budget=20_000)
    assert sum(len(p.content) for p in light) * 4 / 3 < 20_000 < sum(len(p.content) for p in found) * 4 / 3


def test_verdicts_come_first_open_and_in_their_colours(folder):
    """Lines of one colour in few pixels: they may not become those of another verdict."""
    run = genbench.load_run(stored_run(folder.parent / "verdicts", samples=0, models=("another", "two[players=2]")))
    found, _ = page_figures(run, ["forest", "verdicts"], jobs=0)
    assert [picture.figure for picture in found] == ["verdicts", "verdicts", "forest", "forest"]
    assert [picture.opening for picture in found] == [True, True, False, False]
    pixels = np.asarray(Image.open(io.BytesIO(found[0].content)).convert("RGB")).reshape(-1, 3).astype(int)
    drawn = set(draw(run, "verdicts")["verdicts-plain[noise=0.1]"].data["verdict"].dropna())
    assert len(drawn) > 1
    for verdict in drawn:
        colour = np.multiply(to_rgb(LOOKS[verdict]["color"]), 255)
        assert (np.abs(pixels - colour).max(axis=1) < 12).sum() > 50, verdict


def test_without_samples_what_was_drawn_before_is_shown(tmp_path):
    run = genbench.load_run(stored_run(tmp_path, samples=0, models=("oracle", "another")))
    found, notes = page_figures(run, ["samples"], jobs=0)
    assert (found, notes) == ([], ["samples: the samples of this run are not on disk"])
    (run.path / "figures").mkdir()
    for stem in ("samples-plain[noise=0.1]", "samplesque", "animation"):
        Image.new("RGB", (300, 200), "red").save(run.path / "figures" / f"{stem}.png")
    frames = [Image.new("P", (30, 20), colour) for colour in (0, 1)]
    frames[0].save(run.path / "figures" / "samples.gif", save_all=True, append_images=frames[1:])
    (run.path / "figures" / "samples-broken.png").write_bytes(b"no picture")
    found, notes = page_figures(run, ["samples"], jobs=0)
    assert notes == []
    assert [(p.stem, p.dataset, p.moving) for p in found] == [
        ("samples-plain[noise=0.1]", PLAIN, False),
        ("samples", "", True),
    ]


def test_what_moves_has_a_share_of_the_page_and_no_more(tmp_path):
    """Of two moving pictures of a third of the budget each the second goes, and the still one keeps its size."""
    run = genbench.load_run(stored_run(tmp_path, samples=0, models=("oracle", "another")))
    (run.path / "figures").mkdir()
    Image.new("RGB", (300, 200), "red").save(run.path / "figures" / "samples.png")
    noise = np.random.default_rng(0).integers(256, size=(2, 100, 100), dtype=np.uint8)
    for stem in ("samples-a", "samples-b"):
        first, second = map(Image.fromarray, noise)
        first.save(run.path / "figures" / f"{stem}.gif", save_all=True, append_images=[second])
    size = 4 * (run.path / "figures" / "samples-a.gif").stat().st_size // 3
    found, notes = page_figures(run, ["samples"], jobs=0, budget=3 * size)
    assert {p.stem: p.width for p in found} == {"samples": 300, "samples-a": 100}
    assert notes == ["samples-b: its file is too heavy for this page"]


def test_a_figure_that_fails_takes_no_page_with_it(folder, monkeypatch):
    from genbench.figures import samples

    def fail(run):
        raise RuntimeError("no\nluck")

    monkeypatch.setattr(samples, "draw", fail)
    found, notes = page_figures(genbench.load_run(folder), ["samples"], jobs=0)
    assert (found, notes) == ([], ["samples: RuntimeError: no luck"])
    assert MODELS
