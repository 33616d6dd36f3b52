"""What ten figures look like from afar, against thumbnails that were looked at; see `thumbnails` in tests/helpers."""

import functools

import matplotlib as mpl
import numpy as np
import pytest

from figure_layout import flaws
from figure_runs import TASKS, figure_run
from genbench.figures import draw
from genbench.plotting.style import style_named, styled
from thumbnails import MODELS, NAMES, STYLE, alike, stored, thumbnail


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return figure_run(tmp_path_factory.mktemp("thumbnails"), MODELS, tasks=TASKS)


@pytest.fixture(scope="module")
def drawn(run):
    return functools.cache(lambda name: next(iter(draw(run, name, style=STYLE).values())))


QUICK = ("forest",)  # the others take seconds more
TEN = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]


@pytest.mark.parametrize("name", TEN)
def test_a_figure_looks_as_it_did_and_can_be_read(drawn, name):
    (known,) = (image for stem, image in stored().items() if stem.partition("-")[0] == name)
    with styled(style_named(STYLE)):
        assert alike(thumbnail(drawn(name)), known)
        assert flaws(drawn(name), least=7.0) == []


def _without_cfm(run, name):
    return thumbnail(next(iter(draw(run, name, models=["coupling_flow", "gan", "gaussian"], style=STYLE).values())))


def test_a_lost_model_is_seen_and_other_hinting_is_not(run, drawn):
    with styled(style_named(STYLE)):
        image = thumbnail(drawn("forest"))
        assert not alike(_without_cfm(run, "forest"), image)
        with mpl.rc_context({"text.hinting": "none", "text.hinting_factor": 1}):
            assert alike(thumbnail(drawn("forest")), image)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"diagnosis", "forest"}))
def test_a_lost_model_is_seen_in_all(run, drawn, name):
    with styled(style_named(STYLE)):
        assert not alike(_without_cfm(run, name), thumbnail(drawn(name)))


def test_what_is_alike():
    one, other = np.zeros((32, 32)), np.zeros((32, 32))
    other[3, 4] = 0.3
    assert alike(one, other), "a letter is a little darker"
    other[3:5, 4:6] = 0.3
    assert not alike(one, other), "a mark is there that was not"
    assert not alike(one, one + 0.02), "all is darker"
