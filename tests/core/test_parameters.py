from collections.abc import Mapping
from math import inf, nan
from typing import Annotated, Literal

import pytest
from annotated_types import Gt, Interval

from genbench import Preset, Recipe, TorchModel, register_model
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind, create, defaults
from genbench.core.registry import REGISTRY, discover
from genbench.core.selection import Selection, parse
from genbench.core.types import Count, Finite, Natural, NotNegative, Positive, Share, ShareBelowOne
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
        ({"width": "wide"}, r"standard_normal\[width=wide\]: width must be a number; the default is 1.0"),
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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": -1.0}, "tests_torch[lr=-1.0]: lr must be positive; the default is 0.005"),
        ({"lr": {"loss": 0}}, "tests_torch[lr={'loss': 0}]: lr must be positive; the default is 0.005"),
        ({"ema": 1.0}, "tests_torch[ema=1.0]: ema must be below 1; the default is 0.999"),
        ({"warmup": -0.1}, "tests_torch[warmup=-0.1]: warmup must not be negative; the default is 0.02"),
        ({"step_ms": 0}, "tests_torch[step_ms=0]: step_ms must be positive; the default is none"),
        ({"precision": "half"}, "precision must be one of float32, bfloat16; the default is float32"),
        ({"accumulate": 300, "lr": 0.1}, "accumulate=300 must not be above batch_size=256"),
    ],
)
def test_a_recipe_out_of_range_is_refused(given, message):
    card = Suited.card if "accumulate" in given else TORCH
    with pytest.raises(GenbenchError) as raised:
        create(card, bind(card, given))
    assert message in str(raised.value)


def options(
    count: Count = 3,
    natural: Natural = 0,
    finite: Finite = 0.0,
    positive: Positive | None = None,
    weight: NotNegative = 1.0,
    share: Share = 0.5,
    part: ShareBelowOne = 0.5,
    size: Annotated[int, Interval(ge=2, le=64)] = 8,
    way: Literal["up", "down"] = "up",
    std: Annotated[Finite, Gt(0.1)] | Literal["shared"] | None = None,
    widths: list[Count] | None = None,
    order: Literal["reversed", "random"] | list[Natural] | None = None,
    rate: Positive | Mapping[str, Positive] = 0.1,
    flag: bool = True,
) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("count", 0, "count must be at least 1; the default is 3"),
        ("count", "many", "count must be a whole number; the default is 3"),
        ("count", 1.5, "count must be a whole number; the default is 3"),
        ("count", nan, "count must be finite; the default is 3"),
        ("natural", -1, "natural must not be negative; the default is 0"),
        ("finite", nan, "finite must be finite; the default is 0.0"),
        ("positive", 0, "positive must be positive; the default is none"),
        ("positive", inf, "positive must be finite; the default is none"),
        ("positive", "wide", "positive must be a number; the default is none"),
        ("weight", nan, "weight must be finite; the default is 1.0"),
        ("share", 1.5, "share must be at most 1; the default is 0.5"),
        ("part", 1, "part must be below 1; the default is 0.5"),
        ("size", 65, "size must be at most 64; the default is 8"),
        ("size", 1, "size must be at least 2; the default is 8"),
        ("way", "left", "way must be one of up, down; the default is up"),
        ("std", 0.05, "std must be above 0.1, or shared; the default is none"),
        ("std", "learnt", "std must be a number, or shared; the default is none"),
        ("widths", [4, 0], "widths[1] must be at least 1; the default is none"),
        ("widths", 4, "widths must be a list; the default is none"),
        ("order", [0, -1], "order[1] must not be negative; the default is none"),
        ("order", "sideways", "order must be one of reversed, random, or a list; the default is none"),
        ("rate", -1, "rate must be positive; the default is 0.1"),
        ("rate", {"loss": -1}, "rate must be positive; the default is 0.1"),
        ("flag", "maybe", "flag must be true or false; the default is True"),
    ],
)
def test_the_annotation_gives_the_range_or_the_choices(name, value, reason):
    with pytest.raises(GenbenchError) as raised:
        bind(Card("options", "tests", options), {name: value})
    assert str(raised.value) == f"options[{name}={value}]: {reason}"


def test_what_the_annotation_allows_is_taken():
    given = {
        "count": 1,
        "positive": 0.5,
        "share": 1,
        "std": "shared",
        "widths": [1, 2],
        "order": [1, 0],
        "rate": {"a": 1},
    }
    bound = bind(Card("options", "tests", options), given)
    assert {name: bound[name] for name in given} == given


@pytest.mark.parametrize("group", ["models", "datasets"])
def test_defaults_and_presets_are_what_the_annotations_allow(group):
    discover()
    for card in REGISTRY[group].cards.values():
        given = defaults(card) | ({"path": "x"} if getattr(card, "reads", ()) else {})
        assert bind(card, given) == given
        for preset in getattr(card.factory, "presets", ()):
            bind(card, preset.use)


@register_model("tests_text", family="tests")
class Texts(TorchModel):
    recipe = Recipe()

    def __init__(self, name: str = "a", maybe: str | None = None, many: list[str] | None = None, whole: int = 1):
        self.name, self.maybe, self.many, self.whole = name, maybe, many, whole


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("name=2024", "2024"),
        ("name=1e5", "1e5"),
        ("name=007", "007"),
        ("name=True", "True"),
        ("name=none", "none"),
        ("name=-.50", "-.50"),
        ("maybe=none", None),
        ("maybe='none'", "none"),
        ("many=[2020,id,1e5]", ["2020", "id", "1e5"]),
        ("whole=1e3", 1000),
    ],
)
def test_a_text_parameter_takes_what_was_written(written, value):
    card = Texts.card
    assert bind(card, parse(f"tests_text[{written}]").params)[written.partition("=")[0]] == value


def test_a_label_says_the_same_again():
    params = bind(Texts.card, parse("x[name=2024,many=[true]]").params)
    label = str(Selection("x", {name: params[name] for name in ("name", "many")}))
    assert label == 'x[many=["true"],name="2024"]'
    assert bind(Texts.card, parse(label).params) == params


def test_text_does_not_pass_for_a_number():
    with pytest.raises(GenbenchError, match=r"whole=many\]: whole must be a whole number; the default is 1"):
        bind(Texts.card, parse("x[whole=many]").params)
