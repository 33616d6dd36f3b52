"""What is left of a control's distance, by property of the data."""

import numpy as np
import pytest

import genbench
from genbench.analysis import properties
from genbench.analysis.properties import left_over
from genbench.figures.properties import draw


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two properties, three datasets; gan has no density, and gaussian is the control: memoriser has none either."""
    return genbench.run(
        "gaussian,gmm,gan,memoriser", "product[copies=2],gaussian_mixture[dim=4],rare_modes", seeds=1, budget="smoke",
        metrics="kl,typicality", train=2_000, samples=2_000, results=tmp_path_factory.mktemp("r"), progress=False,
        say=lambda _: None,
    )  # fmt: skip


def test_the_share_is_a_geometric_mean_over_datasets(run):
    board = {(row.model, row.dataset): row.metrics for row in run.leaderboard().rows}
    found = {(one.model, one.test): one for one in left_over(run)}
    assert {test for _, test in found} == {"dimension", "rare modes"}
    assert {model for model, _ in found} == {"gmm", "gan"}, "controls are what others are measured by"
    for model, metric in (("gmm", "kl"), ("gan", "typicality")):
        one = found[model, "dimension"]
        shares = [
            max(board[model, d][metric].mean / board["gaussian", d][metric].mean, properties.LEAST)
            for d in ("product[copies=2]", "gaussian_mixture[dim=4]")
        ]
        assert one.metric == metric
        assert one.share == pytest.approx(np.sqrt(shares[0] * shares[1]))
        assert (one.datasets, one.failed) == (2, 0)


def test_the_figure_says_each_share_and_by_what(run):
    figure = draw(run)["properties"]
    panel = figure.axes[0]
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["dimension", "rare modes"]
    texts = [text.get_text() for text in panel.texts]
    assert len(texts) == 4
    assert sum("†" in text for text in texts) == 2, "gan's, which has no density"
    shares = {(one.model, one.test): one.share for one in left_over(run)}
    drawn = figure.data.set_index(["model", "test"])["share"]
    assert {where: drawn[where] for where in shares} == shares


def test_one_property_makes_no_figure(run):
    assert draw(run.only("rare_modes")) == {}
