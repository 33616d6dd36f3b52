import pytest

from genbench import Preset, Recipe, TorchModel, register_model
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind, create, defaults
from genbench.core.registry import REGISTRY, discover
from genbench.runs.plan import make_plan


@pytest.fixture
def card(good):
    discover((good,))
    return REGISTRY["models"]["standard_normal"]


@register_model("tests_torch", family="tests")
class Torch(TorchModel):
    recipe = Recipe(lr=5e-3)

    def __init__(self, sizes: list[int] | None = None, name: str = "a", batch_size: int = 17):
        self.sizes, self.name, self.batch_size = sizes, name, batch_size


TORCH = Torch.card


def test_defaults_and_given_values(card):
    assert defaults(card) == {"width": 1.0, "offset": 0.0}
    bound = bind(card, {"width": 2})
    assert bound == {"width": 2.0, "offset": 0.0}
    assert isinstance(bound["width"], float), "1 and 1.0 are one parameter value, hence one key"
    assert create(card, bound).width == 2.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"widht": 2}, "no parameter 'widht'; did you mean width"),
        ({"width": "wide"}, r"standard_normal\[width=wide\]: Input should be a valid number"),
        ({"width": -1}, "refuses its parameters: width=-1.0 must be positive"),
    ],
)
def test_wrong_values_name_the_parameter_and_the_reason(card, given, message):
    with pytest.raises(GenbenchError, match=message):
        create(card, bind(card, given))


def test_a_torch_model_takes_the_fields_of_its_recipe():
    model = create(TORCH, bind(TORCH, {"lr": 1e-4, "clip": 1, "sizes": [3, 4]}))
    assert (model.recipe.lr, model.recipe.clip, model.sizes) == (1e-4, 1.0, [3, 4])
    assert Torch.recipe.lr == 5e-3, "the class keeps its own"


def test_the_constructor_comes_before_the_recipe():
    assert create(TORCH, bind(TORCH, {})).batch_size == 17


@register_model("tests_preset", family="tests", variant=True)
class Suited(TorchModel):
    recipe = Recipe(lr=5e-3)
    presets = (Preset({"hidden": 128}, dims=(8, None)), Preset({"hidden": 16, "lr": 1e-3}, kinds=("table",)))

    def __init__(self, hidden: int = 64):
        self.hidden = hidden


@pytest.mark.parametrize(
    ("data", "hidden", "lr"),
    [
        (("points", (2,)), 64, 5e-3),
        (("points", (8,)), 128, 5e-3),
        (("points", (2, 4)), 128, 5e-3),
        (("table", (2,)), 16, 1e-3),
        (("table", (30,)), 16, 1e-3),
    ],
)
def test_presets_by_kind_and_dimension(data, hidden, lr):
    card = Suited.card
    bound = bind(card, {}, data)
    assert (bound["hidden"], bound["lr"]) == (hidden, lr)
    assert bind(card, {"hidden": 7}, data)["hidden"] == 7, "what the user gives comes first"
    assert bind(card, {})["hidden"] == 64


def test_a_plan_labels_what_was_given_and_fills_in_the_preset():
    discover()
    plan = make_plan("tests_preset,tests_preset[hidden=64]", "moons,gaussian_mixture[dim=16]", seeds=1)
    found = {(t.model, t.dataset): t.params["hidden"] for t in plan.trials if t.model != "oracle"}
    assert found == {
        ("tests_preset", "moons"): 64,
        ("tests_preset", "gaussian_mixture[dim=16]"): 128,
        ("tests_preset[hidden=64]", "moons"): 64,
        ("tests_preset[hidden=64]", "gaussian_mixture[dim=16]"): 64,
    }


@pytest.mark.parametrize("given", [{"lr": -1.0}, {"ema": 1.0}, {"warmup": 1.0}, {"step_ms": 0}])
def test_a_recipe_out_of_range_is_refused(given):
    with pytest.raises(GenbenchError, match="is out of range"):
        create(TORCH, bind(TORCH, given))
