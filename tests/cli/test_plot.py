"""`genbench plot` from the command line: its help, and what it says of options that are wrong."""

import sys
from pathlib import Path

import pytest

from genbench.cli.main import main
from genbench.cli.plot import _labels

RUN = str(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")


def ended(monkeypatch, capsys, *arguments):
    """The exit code of a command, what it printed, and what it said."""
    monkeypatch.setattr(sys, "argv", ["genbench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, *capsys.readouterr()


def test_help_says_what_the_styles_are_and_gives_examples(monkeypatch, capsys):
    code, out, _ = ended(monkeypatch, capsys, "plot", "--help")
    text = " ".join(out.split())
    assert code == 0
    for words in (
        "--style paper --format pdf,csv",
        "page|paper|talk",
        "3.25 or 6.75 inches",
        "png,svg,pdf,csv",
        "--models cfm,gan",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--style", "papre", "no style 'papre' of figures; did you mean paper"),
        ("--format", "png,pdff", "no format 'pdff' of figures; did you mean pdf"),
        ("--format", ",", "no format of figures is named; write some of png, svg, pdf, csv"),
        ("--models", "cmf", f"no model 'cmf' in {RUN}; did you mean cfm"),
        ("--models", "cfm,bogus,gan", f"no model 'bogus' in {RUN}"),
        ("--models", ",", f"no model '' in {RUN}"),
        ("--data", "mons", f"no dataset 'mons' in {RUN}; did you mean moons"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_drawn(option, value, words, monkeypatch, capsys):
    monkeypatch.setattr("genbench.figures.draw", lambda *a: pytest.fail("drawn"))
    code, out, said = ended(monkeypatch, capsys, "plot", RUN, "forest", option, value)
    assert (code, out) == (2, "")
    assert said.startswith(f"genbench: error: {words}")
    assert len(said.splitlines()) == 1


def test_labels_may_have_commas():
    known = {"cfm", "gan[a=1,b=2]", "gan[a=1"}
    assert _labels("cfm, gan[a=1,b=2]", known - {"gan[a=1"}) == ["cfm", "gan[a=1,b=2]"]
    assert _labels("gan[a=1,x", known) == ["gan[a=1", "x"]
    assert _labels("gan[a=1,c", {"gan[a=1,b=2]"}) == ["gan[a=1,c"]
