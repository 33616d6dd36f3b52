"""`genbench list`: which plugins, and one of them."""

import pytest

from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.display.card_filter import Filter
from genbench.display.card_view import card_lines
from genbench.display.catalogue import print_catalogue

discover()


def names(group, **facts):
    return [card.name for card in Filter(**facts).of(group)]


def test_a_filter_takes_what_passes_all_of_it():
    assert set(names("models")) == set(MODELS.cards)
    flows = names("models", family="flow-matching")
    assert "cfm" in flows
    assert flows == names("models", family="Flow Matching")
    assert {MODELS[name].family for name in flows} == {"flow matching"}
    images = names("models", kind="image")
    assert "cfm" in images
    assert "gmm" not in images or "image" in MODELS["gmm"].kinds
    both = names("models", can=("density", "encodes"))
    assert "cfm" in both
    assert "kde" not in both, "it has no codes"
    assert "gan" not in both, "it has no density"
    assert set(names("datasets", kind="series")) >= {"airline", "ar_process"}
    assert "moons" not in names("datasets", kind="series")


@pytest.mark.parametrize(
    ("group", "facts", "words"),
    [
        ("models", {"family": "flow-matchin"}, "no family 'flow-matchin' of models; did you mean flow-matching"),
        ("datasets", {"kind": "picture"}, "no kind 'picture' of data"), ("metrics", {"kind": "image"}, "--kind is for models and datasets"),
        ("models", {"can": ("densty",)}, "no capability 'densty'; did you mean density"), ("datasets", {"can": ("density",)}, "--can is for models"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(group, facts, words):
    with pytest.raises(GenbenchError, match=words):
        Filter(**facts).of(group)


def test_a_list_says_which_way_a_metric_is_better(capsys):
    print_catalogue("metrics", Filter(family=METRICS["precision"].family))
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "higher" in lines["precision"]
    assert "kl" not in lines


def test_one_is_shown_whole():
    text = "\n".join(card_lines("models", "kde"))
    for words in (
        "kde, a model", "family:        classic", "likelihood:    exact", "paper:         Parzen 1962; Habbema et al. 1974",
        "cite:          parzen1962estimation, habbema1974stepwise", "bandwidth:", "density (exact)", "Gaussian around every training point",
    ):  # fmt: skip
        assert words in text, words
    metric = "\n".join(card_lines("metrics", "kl"))
    assert "better:        lower" in metric
    assert "unit:          nats" in metric
    assert "source:        scikit-learn, make_moons" in "\n".join(card_lines("datasets", "moons"))
    with pytest.raises(GenbenchError, match="no model 'cmf'; did you mean cfm"):
        card_lines("models", "cmf")
