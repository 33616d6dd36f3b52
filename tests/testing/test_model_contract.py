"""What every registered model of points owes, whatever its family: found in the registry, so that a new one is too."""

import pytest

import genbench
from genbench.core.registry import REGISTRY, discover
from genbench.testing import model_contract, trained_model
from genbench.testing.device_audit import runs_on_any_device

discover()
CARDS = {
    n: c
    for n, c in REGISTRY["models"].cards.items()
    if c.file.parent.name == "models" and "points" in c.kinds and not c.tasks
}
FITTED = sorted(n for n, c in CARDS.items() if c.role != "oracle")
MODELS = [n for n in FITTED if CARDS[n].role == "model"]
DEAR = {"ddpm"}  # whose training and sampling take as long as those of all others together
HEADLINE = [pytest.param(n, marks=pytest.mark.slow) if n in DEAR else n for n in MODELS if not CARDS[n].variant]
VARIANTS = [pytest.param(n, marks=pytest.mark.slow) for n in MODELS if CARDS[n].variant]

ELSEWHERE = (model_contract.shapes, runs_on_any_device)  # in a test of its own here, and in test_device_audit.py

# Steps of the two training runs, for models that learn more slowly or whose steps are dearer than most.
STEPS = {
    "ar": 250, "ar_transformer": 100, "cnf": 350, "coupling_flow": 200, "ddpm": 1200, "gan": 700, "maf": 100, "sb_cfm": 300,
    "rectified_flow": 900, "spline_flow": 250, "vae": 250, "vp_cfm": 900, "wgan_gp": 350,
}  # fmt: skip
# Limits on Gaussian data, where a family has a reason for more than 0.02 nats and moments as good as the draw's.
GAUSSIAN = {
    "kde": {"most": 0.05, "covariance": 0.5},  # its kernel widens all directions alike, by a quarter of the short axis
    "gan": {"mean": 0.8, "covariance": 0.8},  # these circle around the answer for long, and most along the short axis
    "wgan_gp": {"mean": 0.8, "covariance": 0.8},
}


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_shapes_types_and_finiteness(name, d):
    model_contract.shapes(CARDS[name], {}, d)


# The model varies more slowly than the check, so that checks share its fits.
@pytest.mark.parametrize(
    "contract", [c for c in model_contract.CONTRACT if c not in ELSEWHERE], ids=lambda c: c.__name__
)
@pytest.mark.parametrize("name", FITTED)
def test_contract(name, contract):
    contract(CARDS[name], {})


def examined(name, truth):
    """A model after a training run of a second or two."""
    train = truth.sample(5000, seed=1)
    return trained_model.TrainedModel(
        genbench.load_model(name).fit(train, budget=str(STEPS.get(name, 450))), truth, train
    )


@pytest.mark.parametrize("name", [*HEADLINE, *VARIANTS])
def test_a_gaussian(name):
    """Standard deviations 2 and 0.3 along axes turned by 45°: a correlation of 0.96."""
    sitting = examined(name, genbench.load_dataset("stretched_gaussian"))
    for question in trained_model.CHECKS:
        question(sitting)
    trained_model.learns_a_gaussian(sitting, **GAUSSIAN.get(name, {}))


@pytest.mark.parametrize("name", HEADLINE)
def test_two_moons(name):
    sitting = examined(name, genbench.load_dataset("moons", noise=0.1))
    for question in trained_model.CHECKS:
        question(sitting)


@pytest.mark.parametrize("name", FITTED)
def test_the_card_names_its_source_and_the_docstring_says_what_it_is(name):
    card = CARDS[name]
    assert card.paper or card.role == "control", "a model names its paper"
    assert len(card.summary) > 20
