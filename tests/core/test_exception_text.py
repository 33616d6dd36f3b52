"""What an exception says, whatever it holds."""

import pytest

from genbench.core.exception_text import MESSAGE, TRACEBACK, message_of, place_in, place_of, plain, traceback_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as it is: é, 日本, \t", "as it is: é, 日本, \t"),
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07", "red and ]0;title"),
        ("half \udcff of a sign", r"half \udcff of a sign"),
        ("\x9b31m\x00\x08\x7f", "31m"),
    ],
)
def test_text_holds_no_signs_that_a_terminal_obeys(text, expected):
    assert plain(text) == expected
    assert plain(text).encode().decode() == expected


def test_a_long_text_is_cut_and_says_how_long_it_was():
    assert plain("x" * MESSAGE) == "x" * MESSAGE
    assert plain("x" * (MESSAGE + 1)) == "x" * MESSAGE + " … (501 letters)"
    assert len(plain("\udcff" * 10**6)) < 2 * MESSAGE


def test_a_message_is_the_first_line_that_says_something():
    assert message_of(ValueError("\n\n  first \nsecond")) == "first"
    assert message_of(ValueError()) == message_of(ValueError("\x1b[1m")) == "ValueError"
    assert message_of(SystemExit(3)) == "3"
    assert message_of(ValueError("y" * 10**7)).endswith("y … (10,000,000 letters)")


class Leaving(BaseException):
    def __str__(self):
        raise SystemExit(0)


def test_one_that_cannot_be_shown_says_so():
    assert message_of(Leaving()) == "its text is unavailable: __str__ raised SystemExit"


def fail(text):
    raise RuntimeError(text)


def raised(text):
    try:
        try:
            fail(text)
        except RuntimeError as error:
            raise KeyError("second") from error
    except KeyError as error:
        return error


def test_a_traceback_is_whole_up_to_its_limit():
    short, long = traceback_of(raised("short")), traceback_of(raised("x" * 10**6))
    assert short.count("Traceback (most recent call last)") == 2
    assert "RuntimeError: short" in short
    assert f"{10**6 - TRACEBACK:,}"[:3] in long
    assert "letters are left out" in long
    assert long.rstrip().endswith("KeyError: 'second'")
    assert len(long) < TRACEBACK + 100


def test_the_place_is_the_last_line_of_the_users_code():
    error = raised("x")
    line = raised.__code__.co_firstlineno + 5
    assert place_of(error, [__file__]) == f"test_exception_text.py:{line}"
    error.__traceback__ = None
    assert place_of(error, [__file__]) == f"test_exception_text.py:{fail.__code__.co_firstlineno + 1}", "of its cause"
    assert place_of(ValueError()) == ""


def test_the_place_in_a_dump_is_the_first_line_of_the_users_code():
    dump = '  File "/usr/lib/python3/ctypes.py", line 5 in a\n  File "/home/me/my.py", line 31 in fit\n  File "/home/me/b.py"'
    assert place_in(dump) == "my.py:31"
    assert place_in("nothing") == ""
