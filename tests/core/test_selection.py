import random
import time
from pathlib import Path

import numpy as np
import pytest

from genbench.core.errors import GenbenchError
from genbench.core.selection import Selection, as_text, parse, parse_list


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("moons", "moons", {}),
        ("moons[noise=0.1]", "moons", {"noise": 0.1}),
        (" vae[ latent_dim = 4 , beta=true ] ", "vae", {"latent_dim": 4, "beta": True}),
        ("mlp[hidden=[64,64],name=a-b,x=none]", "mlp", {"hidden": [64, 64], "name": "a-b", "x": None}),
        ("mlp[hidden=(64,64),drop=[id,2024]]", "mlp", {"hidden": [64, 64], "drop": ["id", 2024]}),
        ("csv[path=data/my table.csv]", "csv", {"path": "data/my table.csv"}),
        ('csv[path="a, b.csv"]', "csv", {"path": "a, b.csv"}),
        ("csv[path='a [1] = b].csv' ]", "csv", {"path": "a [1] = b].csv"}),
        ('csv[path="C:\\new\\table.csv"]', "csv", {"path": "C:\\new\\table.csv"}),
        ('csv[path="\\\\server\\share\\"]', "csv", {"path": "\\\\server\\share\\"}),
        ('csv[path="the ""best"", they say.csv"]', "csv", {"path": 'the "best", they say.csv'}),
        ("csv[path=it's.csv]", "csv", {"path": "it's.csv"}),
        ("csv[path=x=1/t.csv]", "csv", {"path": "x=1/t.csv"}),
        ("csv[path=old (1, 2).csv]", "csv", {"path": "old (1, 2).csv"}),
        ('"a, b.csv"[label=species,drop=["no, 1",id]]', "a, b.csv", {"label": "species", "drop": ["no, 1", "id"]}),
        ("C:\\data\\t.csv", "C:\\data\\t.csv", {}),
        ("cfm[source=moons[noise=0.1]]", "cfm", {"source": "moons[noise=0.1]"}),
        ("m[a={b:1,'c d':[x,true]}]", "m", {"a": {"b": 1, "c d": ["x", True]}}),
        ("m[a=1e5,b=-2,c=inf,d=007,e=.5,f=1_000]", "m", {"a": 1e5, "b": -2, "c": float("inf"), "d": "007", "e": 0.5, "f": 1000}),
        ('m[a=[],b="",c={}]', "m", {"a": [], "b": "", "c": {}}),
    ],
)  # fmt: skip
def test_reads_names_and_values(text, name, params):
    assert parse(text) == Selection(name, params)
    assert parse(str(parse(text))) == parse(text)


def test_commas_in_brackets_and_quotes_do_not_split():
    assert [str(s) for s in parse_list("a[x=1,y=[2,3]],b, c,")] == ["a[x=1,y=[2,3]]", "b", "c"]
    assert [s.name for s in parse_list("'a,b.csv', c,\"d]\"")] == ["a,b.csv", "c", "d]"]


@pytest.mark.parametrize(
    "text", ["vae[latent_dim=4]", "m[a=[1,2],b=true,c=none,d=0.5]", "cfm[source=moons[noise=0.1]]"]
)
def test_what_needs_no_quotes_is_written_without(text):
    assert str(parse(text)) == text


def test_what_is_written_is_read_back():
    """5,000 random selections of letters that the syntax uses, and of values that look like others."""
    draw = random.Random(0)
    letters = "ab1.=,[](){}:\"' \\\t\n-_/~é٣"
    words = ["true", "none", "1e5", "007", "-3", "inf", "[1]", "(1,2)", "{a:1}", "", '"', "''", "a,b", "C:\\x\\"]

    def text():
        return draw.choice(words) if draw.random() < 0.3 else "".join(draw.choices(letters, k=draw.randrange(8)))

    def value(depth=0):
        kind = draw.randrange(8 if depth < 3 else 6)
        if kind == 6:
            return [value(depth + 1) for _ in range(draw.randrange(4))]
        if kind == 7:
            keys = (draw.choice([text(), draw.randrange(9), 0.5]) for _ in range(draw.randrange(3)))
            return {key: value(depth + 1) for key in keys}
        numbers = [
            draw.randrange(-(10**30), 10**30),
            draw.gauss(0, 1) * 10.0 ** draw.randrange(-300, 300),
            -0.0,
            float("nan"),
        ]
        return draw.choice([*numbers, True, False, None]) if kind < 2 else text()

    for _ in range(5_000):
        selection = Selection(text(), {key: value() for key in draw.sample(["a", "b_2", "größe"], draw.randrange(4))})
        assert parse(str(selection)) == selection, repr(selection)
        assert parse_list(f"{selection},x") == [selection, Selection("x")], repr(selection)
    assert parse(str(Selection("a", {"x": (1, "b")}))) == Selection("a", {"x": [1, "b"]})


def test_numbers_of_numpy_and_paths_are_written_as_what_they_stand_for():
    given = {
        "n": np.int64(8),
        "x": np.float32(0.5),
        "yes": np.bool_(True),
        "many": np.arange(3.0),
        "path": Path("a, b.csv"),
    }
    plain = {"n": 8, "x": 0.5, "yes": True, "many": [0.0, 1.0, 2.0], "path": "a, b.csv"}
    assert Selection("a", given) == Selection("a", plain) == parse(str(Selection("a", given)))


def test_a_number_that_is_too_long_to_be_written_is_refused():
    with pytest.raises(GenbenchError, match="more than 4,000 digits"):
        Selection("a", {"n": 10**5_000})


@pytest.mark.parametrize(
    ("written", "text"),
    [("2024", "2024"), ("1e5", "1e5"), ("true", "true"), ("'a'", "a"), ("[1e5,b,[007]]", ["1e5", "b", ["007"]])],
)
def test_the_text_of_a_value_is_kept(written, text):
    assert as_text(parse(f"a[x= {written} ]").params.texts["x"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "", ",", "a[x=1", "a]x", "a[x]", "a[=1]", "a[x=1,x=2]", "[x=1]", "a[x=1]b", "a[x=]", "a=b", "a['b'=1]", "'a", "a[x='b]",
        "a[x='b'c]", "a[x=[1]c]", "a[x=[1,2]", "a[b={[]:1}]", "a[b={1}]", "a[b={1:2]", "a[x=(1]", "a[x=1)]", "a\nb[x",
    ],
)  # fmt: skip
def test_refuses_what_it_cannot_read_in_one_line(text):
    with pytest.raises(GenbenchError) as caught:
        parse_list(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a," * 30_000, "[" * 300_000, "a[x=" + "[" * 300_000, "a[x=" + "(1," * 10_000 + ")" * 10_000 + "]", "a[x=" + "{" * 300_000,
        "a[x=" + "9" * 300_000 + "]", "a[x=" + "-" * 5_000 + "1]", "a[x=" + "1_" * 150_000 + "]", "a," * 500_000, "a[" + "x=1," * 100_000 + "]", '"' * 300_000, "a" + " " * 300_000 + "=", "a[x='" + "''" * 100_000 + "']", "a" * 300_000,
    ],
    ids=str.__len__,
)  # fmt: skip
def test_long_texts_take_no_time_and_raise_nothing_else(text):
    begin, said = time.process_time(), ""
    try:
        parse_list(text)
    except GenbenchError as error:
        said = str(error)
    assert len(said) < 300
    assert time.process_time() - begin < 3, "ten times what is measured, and more; a square would be minutes"
