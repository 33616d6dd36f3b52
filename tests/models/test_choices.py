"""The choices that annotations name are those that the tables implement."""

from typing import Literal, get_args, get_origin, get_type_hints

from genbench.core.registry import REGISTRY, discover
from genbench.datasets.toy_images import SHAPES
from genbench.models.ddpm import TIME_FEATURES
from genbench.models.gan import GAMES
from genbench.nn.mixing import MIXINGS
from genbench.nn.noise_schedule import SCHEDULES
from genbench.nn.ode import SOLVERS
from genbench.nn.paths import PATHS

TABLES = {
    "loss": GAMES,
    "mixing": MIXINGS,
    "path": PATHS,
    "schedule": SCHEDULES,
    "shape": [*SHAPES, "all"],
    "solver": [*SOLVERS, "stochastic_euler"],
    "time_embedding": TIME_FEATURES,
}


def choices():
    """Yield the name of each plugin, of each of its parameters with choices, and the choices."""
    discover()
    for group in ("models", "datasets"):
        for card in REGISTRY[group].cards.values():
            hints = get_type_hints(card.factory.__init__, include_extras=True)
            for name, hint in hints.items():
                for member in (hint, *get_args(hint)):
                    if get_origin(member) is Literal:
                        yield card.name, name, get_args(member)


def test_choices_are_those_of_the_tables():
    seen = set()
    for plugin, parameter, found in choices():
        if parameter in TABLES:
            assert set(found) == set(TABLES[parameter]), f"{plugin}[{parameter}=…]"
            seen.add(parameter)
    assert seen == set(TABLES)
