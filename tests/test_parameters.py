import pytest

from genbench import Recipe, TorchModel, register_model
from genbench.errors import GenbenchError
from genbench.parameters import bind, create, defaults
from genbench.registry import REGISTRY, discover


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


@pytest.mark.parametrize("given", [{"lr": -1.0}, {"ema": 1.0}, {"warmup": 1.0}, {"step_ms": 0}])
def test_a_recipe_out_of_range_is_refused(given):
    with pytest.raises(GenbenchError, match="is out of range"):
        create(TORCH, bind(TORCH, given))
