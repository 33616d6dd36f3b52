import pytest

from genbench.authoring.names import check_free, check_name, class_name
from genbench.core.errors import GenbenchError


@pytest.mark.parametrize("name", ["my_flow", "flow2", "x", "nice_3d_flow"])
def test_a_name_that_is_fit_for_all_three(name):
    check_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MyFlow", "write my_flow"), ("my-flow", "write my_flow"), ("my flow", "write my_flow"), ("a.b/../c", "write a_b_c"), ("x[1]", "write x_1"),
        ("2flow", "write lower-case letters"), ("", "write lower-case letters"), ("é", "write lower-case letters"), ("../x", "write x"),
        ("class", "has a meaning in Python"), ("sum", "has a meaning in Python"), ("np", "has a meaning"), ("test_flow", "or pytest"),
        ("torch", "installed package"), ("json", "module of Python"), ("genbench", "installed package"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_is_refused_with_a_better_one(name, words):
    with pytest.raises(GenbenchError, match=words):
        check_name(name)


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("models", "gmm"),
        ("models", "all"),
        ("datasets", "moons"),
        ("datasets", "hard"),
        ("metrics", "kl"),
        ("metrics", "cheap"),
    ],
)
def test_a_name_that_is_taken_is_refused(group, name):
    with pytest.raises(GenbenchError, match=f"there is a {group[:-1]} '{name}' already; choose another name"):
        check_free(group, name)


def test_a_name_of_another_group_is_free():
    check_free("datasets", "gmm")
    check_free("models", "my_flow")


def test_the_name_of_a_class():
    assert [class_name(name) for name in ("my_flow", "x", "a_2d_net")] == ["MyFlow", "X", "A2dNet"]
