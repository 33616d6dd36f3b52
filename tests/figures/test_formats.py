"""Files of figures: the same data are the same bytes, text stays text, and fonts are such that journals take them."""

import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from figure_runs import figure_run
from genbench.core.errors import GenbenchError
from genbench.figures import FORMATS, draw, save

WORDS = ("coupling_flow", "cfm", "oracle")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return figure_run(tmp_path_factory.mktemp("formats"), 3)


@pytest.fixture(scope="module")
def files(run):
    return {file.suffix[1:]: file.read_bytes() for file in save(run, ["samples"], FORMATS, style="paper")}


def test_the_same_data_are_the_same_bytes(run, files):
    assert set(files) == set(FORMATS)
    again = save(run, ["samples"], FORMATS, style="paper")
    assert [file.name for file in again] == [f"samples-paper.{form}" for form in FORMATS]
    assert {file.suffix[1:]: file.read_bytes() for file in again} == files


def test_text_in_svg_is_text(files):
    root = ElementTree.fromstring(files["svg"])
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(WORDS) <= set(texts)


def test_text_in_pdf_is_text_in_fonts_that_journals_take(files):
    assert b"/FontFile2" in files["pdf"], "TrueType, which is type 42"
    assert b"/Type3" not in files["pdf"]
    assert {"cfm", "oracle"} <= set(shown_in(files["pdf"]))  # those without ligatures


def shown_in(pdf: bytes) -> list[str]:
    """The texts that a PDF file shows: strings in two bytes a letter, which kerning has in parts."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    content = b"".join(zlib.decompressobj().decompress(part) for part in streams if part[:1] == b"x")
    shows = re.findall(rb"(?:\[(.*?)\]\s*TJ|(\(.*?\))\s*Tj)", content, re.DOTALL)
    strings = [b"".join(re.findall(rb"\((.*?)(?<!\\)\)", a or b, re.DOTALL)) for a, b in shows]
    return [text.decode("utf-16-be", errors="replace") for text in strings]


def test_a_file_says_what_the_figure_shows(run, files):
    caption = draw(run, "samples", style="paper")["samples"].caption
    assert caption.startswith("moons: ")
    assert caption in "".join(ElementTree.fromstring(files["svg"]).itertext())


def test_csv_has_the_frame_that_was_drawn(run, files, tmp_path):
    frame = draw(run, "samples")["samples"].data
    (tmp_path / "forest.csv").write_bytes(files["csv"])
    stored = pd.read_csv(tmp_path / "forest.csv")
    assert list(stored.columns) == list(frame.columns)
    for name in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[name]):
            np.testing.assert_allclose(stored[name], frame[name])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"formats": ["bogus"]}, "no format 'bogus' of figures"),
        ({"formats": ["pgf"]}, "did you mean png or pdf"),
        ({"formats": []}, "write some of png, svg, pdf, csv"),
        ({"style": "papre"}, "no style 'papre' of figures; did you mean paper"),
        ({"models": ["coupling"]}, "no model 'coupling'"),
    ],
)
def test_what_is_unknown_is_said_before_anything_is_drawn(run, asked, words, monkeypatch):
    monkeypatch.setattr("genbench.figures.draw", lambda *a: pytest.fail("drawn"))
    with pytest.raises(GenbenchError, match=re.escape(words)):
        save(run, **asked)
