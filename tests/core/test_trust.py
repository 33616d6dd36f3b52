import pytest

from genbench.core.errors import GenbenchError
from genbench.core.trust import distrust, trust, trust_in, trusted, trusted_file


@pytest.fixture(autouse=True)
def configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))


@pytest.fixture
def plugin(tmp_path):
    """A plugin that imports a file beside it."""
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "helper.py").write_text("SCALE = 2\n")
    (folder / "mine.py").write_text("from .helper import SCALE\n")
    return folder / "mine.py"


def test_what_is_trusted_is_the_content_wherever_it_lies(plugin, tmp_path):
    assert trusted() == []
    assert trust_in(plugin) is None
    assert trust_in(plugin) != trust(plugin) == trust_in(plugin) == trusted()[0]
    plugin.parent.rename(tmp_path / "elsewhere")
    assert trust_in(tmp_path / "elsewhere" / "mine.py") == trusted()[0]
    trust(tmp_path / "elsewhere" / "mine.py")
    assert len(trusted()) == 1


@pytest.mark.parametrize("name", ["mine.py", "helper.py"])
def test_a_letter_more_in_the_file_or_in_one_that_it_imports_ends_trust(plugin, name):
    trust(plugin)
    file = plugin.parent / name
    before = file.read_text()
    file.write_text(f"{before}#")
    assert trust_in(plugin) is None
    file.write_text(before)
    assert trust_in(plugin) is not None


def test_compiled_code_beside_it_ends_trust(plugin):
    trust(plugin)
    (plugin.parent / "helper.abi3.so").write_bytes(b"")
    assert trust_in(plugin) is None
    with pytest.raises(GenbenchError, match=r"helper.abi3.so is compiled code"):
        trust(plugin)


def test_trust_is_taken_back_by_file_or_digest(plugin):
    found = trust(plugin)
    assert distrust(str(plugin)) == [found]
    assert trusted() == []
    trust(plugin)
    with pytest.raises(GenbenchError, match="nothing is trusted"):
        distrust(found.digest[:4])
    assert distrust(found.digest[:12]) == [found]


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[1]", b'[{"digest": "a"}]', b"[" * 100_000, b"\xff"])
def test_a_list_that_cannot_be_read_is_an_error_in_one_line(content, plugin):
    trusted_file().parent.mkdir(parents=True)
    trusted_file().write_bytes(content)
    if content == b"{}":
        assert trusted() == []
        return
    with pytest.raises(GenbenchError, match="remove it") as caught:
        trusted()
    assert "\n" not in str(caught.value)
    assert trust_in(plugin) is None


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "-" * 100_000 + "1", "x = 'open", "\0"], ids=["brackets", "signs", "quote", "NUL"]
)
def test_what_is_no_python_harms_nothing(tmp_path, text):
    file = tmp_path / "odd.py"
    file.write_text(text)
    assert trust_in(file) is None
    try:
        trust(file)
    except GenbenchError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["absent.py", "folder.py", "text.txt"])
def test_only_files_of_python_are_trusted(tmp_path, name):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "text.txt").write_text("")
    with pytest.raises(GenbenchError, match=name):
        trust(tmp_path / name)
