import pytest

from genbench.core.errors import GenbenchError
from genbench.core.selection import Selection, parse, parse_list


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("moons", "moons", {}),
        ("moons[noise=0.1]", "moons", {"noise": 0.1}),
        (" vae[ latent_dim = 4 , beta=true ] ", "vae", {"latent_dim": 4, "beta": True}),
        ("mlp[hidden=[64,64],name=a-b,x=none]", "mlp", {"hidden": [64, 64], "name": "a-b", "x": None}),
        ("csv[path=data/my table.csv]", "csv", {"path": "data/my table.csv"}),
    ],
)
def test_reads_names_and_literals(text, name, params):
    assert parse(text) == Selection(name, params)


def test_commas_inside_brackets_do_not_split():
    assert [str(s) for s in parse_list("a[x=1,y=[2,3]],b, c")] == ["a[x=1,y=[2,3]]", "b", "c"]


@pytest.mark.parametrize("text", ["vae[latent_dim=4]", "m[a=[1,2],b=true,c=none,d=0.5]"])
def test_writing_and_reading_are_inverse(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", ",", "a[x=1", "a]x", "a[x]", "a[=1]", "a[x=1,x=2]", "[x=1]", "a[x=1]b"])
def test_refuses_what_it_cannot_read_in_one_line(text):
    with pytest.raises(GenbenchError) as caught:
        parse_list(text)
    assert "\n" not in str(caught.value)
