"""Models of other libraries: their densities and draws are those of the library, and what is missing is said."""

import numpy as np
import pytest

import genbench
from genbench.contracts.model import MODELS
from genbench.core import libraries
from genbench.core.errors import GenbenchError
from genbench.core.libraries import library_of, require_library
from genbench.core.parameters import defaults
from genbench.core.registry import discover, failures
from genbench.display.card_filter import Filter
from genbench.display.card_view import card_lines
from genbench.display.catalogue import print_catalogue
from genbench.runs.plan import make_plan
from genbench.testing.contract import CheckOptions, items, plugins_of

discover()
PEERS = sorted(name for name, card in MODELS.cards.items() if card.family == "peers")
EXACT = [name for name in PEERS if MODELS[name].likelihood == "exact"]
SMALL = {
    "normflows_spline": {"splines": 2, "hidden": 16}, "normflows_realnvp": {"couplings": 4},
    "diffusers_ddpm": {"steps": 20}, "sklearn_gmm": {"most": 4}, "sklearn_kde": {"widths": 3},
}  # fmt: skip
# What `genbench check` reports of a peer for a reason of its library's own; docs/models/peers.md says which.
KNOWN = {
    ("zuko_naf", "integrates_on_a_line"), ("torchcfm_otcfm", "learns_from_all"),
    ("normflows_realnvp", "integrates_to_one"), ("normflows_realnvp", "agrees_with_itself"),
}  # fmt: skip


def only_scikit_learn(monkeypatch):
    # a private name: public ones that change are put back where plugins are loaded
    monkeypatch.setattr(libraries, "_found", lambda module: module in ("sklearn", "scikit-learn"))


@pytest.fixture(scope="module")
def points():
    return genbench.load_dataset("moons").sample(600, seed=1)


@pytest.fixture(scope="module")
def trained(points):
    """Return a peer after a few steps, trained once for all tests of it."""
    known = {}

    def of(name):
        library = library_of(MODELS[name])
        if not library.installed:
            pytest.skip(library.need)
        if name not in known:
            steps = "2" if name == "zuko_cnf" else "12"
            known[name] = genbench.load_model(name, **SMALL.get(name, {})).fit(points, budget=steps, seed=3)
        return known[name]

    return of


def test_the_peers_are_there():
    assert PEERS == [
        "diffusers_ddpm", "normflows_realnvp", "normflows_spline", "sklearn_gmm", "sklearn_kde", "torchcfm_icfm",
        "torchcfm_otcfm", "zuko_cnf", "zuko_maf", "zuko_naf", "zuko_nsf",
    ]  # fmt: skip
    assert not failures()
    assert all(len(MODELS[name].file.read_text().splitlines()) <= 40 for name in PEERS)


@pytest.mark.parametrize("name", EXACT)
def test_densities_are_the_library_s_own(name, trained, points):
    """In the data's units they are lower by the sum of the log standard deviations; float32 leaves 1e-4."""
    import torch

    model = trained(name)
    z, inner = model._standardised(points[:50]), model.model
    with torch.no_grad():
        if name.startswith("sklearn"):
            theirs = (inner.mixture if name == "sklearn_gmm" else inner.density).score_samples(z)
        else:
            flow = inner.flow() if name.startswith("zuko") else inner.flow
            theirs = flow.log_prob(torch.tensor(z, dtype=torch.float32)).double().numpy()
    log_p = theirs - np.log(points.std(axis=0)).sum()
    assert model.log_prob(points[:50]) == pytest.approx(log_p, abs=0.05), "a tenth of the points is held out"
    assert np.ptp(model.log_prob(points[:50]) - theirs) < 1e-3


@pytest.mark.parametrize("name", PEERS)
def test_samples_repeat_by_seed_and_leave_the_global_generators_alone(name, trained):
    import torch

    model = trained(name)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = (model.sample(40, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isfinite(first).all()
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


def test_the_mixture_of_scikit_learn_comes_in_no_order(trained):
    """Sorted by component, neighbours share one in 90 % and more of the draws of 4; in no order, in 25 to 50 %."""
    model = trained("sklearn_gmm")
    nearest = model.model.mixture.predict(model._standardised(model.sample(500, seed=1)))
    assert (nearest[1:] == nearest[:-1]).mean() < 0.7


@pytest.mark.parametrize("name", [name for name in PEERS if not name.startswith("sklearn")])
def test_the_rate_is_constant_and_the_last_weights_are_no_average(name):
    recipe = MODELS[name].factory.recipe
    known = defaults(MODELS[name])
    assert (known["warmup"], known["ema"]) == (0.0, 0.0)
    assert known["clip"] == (1.0 if name == "diffusers_ddpm" else 0.0)
    assert {recipe.rate("loss", done) for done in (0.0, 0.5, 0.999)} == {recipe.lr}
    with pytest.raises(GenbenchError, match="cycles=2 needs a learning rate that falls"):
        genbench.load_model(name, cycles=2).fit(np.zeros((20, 2)))


def test_samples_of_diffusion_stay_within_the_data(trained, points):
    """Estimates of x0 are clipped to the data's range; the last step adds no noise to them."""
    model = trained("diffusers_ddpm")
    z = model._standardised(model.sample(200, seed=0))
    assert np.abs(z).max() <= np.abs(model._standardised(points)).max() + 1e-3


def test_all_and_the_zoo_have_none_of_them_and_their_family_has_all():
    for text in ("all", "zoo"):
        assert not {one.name for one in MODELS.select(text)} & set(PEERS)
    assert [one.name for one in MODELS.select("peers")] == PEERS
    both = [one.name for one in MODELS.select("all,peers")]
    assert both == [one.name for one in MODELS.select("all")] + PEERS


def test_a_peer_without_its_library_is_an_error_that_says_what_to_install(monkeypatch):
    only_scikit_learn(monkeypatch)
    need = r'^zuko_nsf needs zuko, which is not installed: pip install "genbench\[peers\]"$'
    for ask in (
        lambda: make_plan("all,zuko_nsf", "moons"), lambda: genbench.load_model("zuko_nsf"),
        lambda: genbench.load_classifier("zuko_nsf"), lambda: plugins_of("zuko_nsf"),
    ):  # fmt: skip
        with pytest.raises(GenbenchError, match=need):
            ask()
    with pytest.raises(GenbenchError, match=r"pip install --no-deps torchcfm$"):
        require_library(MODELS["torchcfm_icfm"])


def test_a_group_leaves_out_what_is_missing_and_says_so_once(monkeypatch):
    only_scikit_learn(monkeypatch)
    plan = make_plan("gmm,peers", "moons,circles", seeds=1, metrics="sliced_w2")
    assert {spec.model for spec in plan.trials} == {"oracle", "gmm", "sklearn_gmm", "sklearn_kde"}
    said = [note for note in plan.notes if note.startswith("left out")]
    assert len(said) == 4, said
    assert (
        "left out: zuko_cnf, zuko_maf, zuko_naf, zuko_nsf "
        '(needs zuko, which is not installed: pip install "genbench[peers]")'
    ) in said
    monkeypatch.setattr(libraries, "_found", lambda module: False)
    with pytest.raises(GenbenchError, match="diffusers_ddpm needs diffusers"):
        make_plan("peers", "moons")


def test_checks_of_a_group_skip_what_is_missing(monkeypatch):
    only_scikit_learn(monkeypatch)
    plugin = next(plugin for plugin in plugins_of("peers") if plugin.card.name == "zuko_nsf")
    verdict = next(items(plugin, CheckOptions(fast=True))).verdict()
    assert (verdict.status, verdict.found[:15]) == ("skipped", "it needs zuko, ")


def test_the_list_names_the_library_and_its_version_or_how_to_install_it(monkeypatch, capsys):
    from importlib.metadata import version

    only_scikit_learn(monkeypatch)
    print_catalogue("models", Filter(family="peers"))
    said = " ".join(capsys.readouterr().out.split())
    assert f"by scikit-learn {version('scikit-learn')}" in said
    assert 'by zuko, not installed: pip install "genbench[peers]"' in said
    assert "zuko_nsf †" in said
    card = "\n".join(card_lines("models", "zuko_nsf"))
    assert 'library:       zuko, not installed: pip install "genbench[peers]"' in card
    assert "durkan2019neural, rozet2022zuko" in card


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_check(name):
    library = library_of(MODELS[name])
    if not library.installed:
        pytest.skip(library.need)
    verdicts = [item.verdict() for plugin in plugins_of(name) for item in items(plugin, CheckOptions(fast=True))]
    failed = {(name, one.check) for one in verdicts if one.status == "failed"}
    assert failed == {known for known in KNOWN if known[0] == name}
