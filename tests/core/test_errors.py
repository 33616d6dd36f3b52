"""What errors say is one line, whatever the input that they repeat holds."""

from genbench.core.errors import BadSamples, GenbenchError


def test_the_text_of_an_error_is_one_line():
    assert (
        str(GenbenchError("margin '10%,\n0.05' names two\r\nshares\u2028of it"))
        == "margin '10%, 0.05' names two shares of it"
    )
    assert "\x1b" not in str(BadSamples("a model \x1b[31mof colours"))
    assert str(GenbenchError("as it was: ½, ×, ∞")) == "as it was: ½, ×, ∞"
