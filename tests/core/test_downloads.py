import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from genbench.cli.data import data
from genbench.core import downloads
from genbench.core.downloads import DataFile, DataFiles
from genbench.core.errors import GenbenchError

CONTENT = bytes(range(256)) * 40
FILE = DataFile("numbers.gz", ("numbers",), hashlib.sha256(CONTENT).hexdigest())


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; what lies under /short/ breaks off in the middle, under /coded/ the client may unpack it."""

    def log_message(self, *_):
        pass

    def end_headers(self):
        if self.path.startswith("/coded/") and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def do_GET(self):
        self.server.asked.append(self.path)
        if not self.path.startswith("/short/"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        return self.wfile.write(b"x" * 100)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    for name, content in {"right": CONTENT, "wrong": CONTENT[::-1], "coded": CONTENT}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "numbers.gz").write_bytes(gzip.compress(content))
    whole = (folder / "right" / "numbers.gz").read_bytes()
    (folder / "cut").mkdir()
    (folder / "cut" / "numbers.gz").write_bytes(whole[: len(whole) // 2])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as http:
        http.asked = []
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}"
        yield SimpleNamespace(url=url, asked=http.asked, mirrors=lambda *names: tuple(f"{url}/{n}/" for n in names))
        http.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def source(mirrors=(), **more):
    return DataFiles("numbers", (FILE,), tuple(mirrors), **more)


def test_fetched_once_then_found(server, cache):
    files = source(server.mirrors("right"))
    assert files.find(FILE) == []
    assert files.read(FILE) == [CONTENT]
    assert files.find(FILE) == [cache / "numbers" / "numbers.gz"]
    assert files.read(FILE) == [CONTENT]
    assert server.asked == ["/right/numbers.gz"]
    assert [path.name for path in (cache / "numbers").iterdir()] == ["numbers.gz"]  # nothing else is left behind


def test_the_file_stays_as_it_is(server, cache):
    assert source(server.mirrors("coded")).read(FILE) == [CONTENT]
    assert gzip.decompress((cache / "numbers" / "numbers.gz").read_bytes()) == CONTENT


@pytest.mark.parametrize("first", ["missing", "wrong", "cut", "short"])
def test_the_second_mirror_helps(server, cache, first):
    assert source(server.mirrors(first, "right")).read(FILE) == [CONTENT]
    assert server.asked == [f"/{first}/numbers.gz", "/right/numbers.gz"]


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [("missing", "HTTP 404"), ("wrong", "wrong checksum"), ("cut", "cut short"), ("short", "broke off|no connection")],
)
def test_a_failure_says_why_and_what_to_do(server, cache, mirror, reason):
    with pytest.raises(
        GenbenchError, match=f"numbers: cannot fetch numbers.gz .127.0.0.1.*({reason}).*put it into {cache}/numbers"
    ) as e:
        source(server.mirrors(mirror)).read(FILE)
    assert "\n" not in str(e.value)
    assert len(server.asked) == downloads.ROUNDS
    assert list((cache / "numbers").iterdir()) == []


def test_offline(cache, tmp_path, monkeypatch):
    offline = source(["http://127.0.0.1:9/"])  # the port "discard", where nobody listens
    with pytest.raises(GenbenchError, match=f"no connection.*put it into {cache}/numbers"):
        offline.read(FILE)
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / "mine"))
    with pytest.raises(GenbenchError, match=f"put it into {tmp_path}/mine/numbers"):
        offline.read(FILE)


def test_a_cache_that_cannot_be_written(server, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(GenbenchError, match="numbers: cannot write to .*set GENBENCH_DATA"):
        source(server.mirrors("right")).read(FILE)


@pytest.mark.parametrize("place", ["mine/numbers", "mine/Numbers/raw", "cache/numbers", "system"])
@pytest.mark.parametrize("packed", [True, False])
def test_found_packed_or_not_in_each_place(tmp_path, cache, monkeypatch, place, packed):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / "mine"))
    files = source(folders=("Numbers/raw",), installed=(str(tmp_path / "system"),))
    path = tmp_path / place / ("numbers.gz" if packed else "numbers")
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(CONTENT, 1) if packed else CONTENT)  # the checksum does not hang on the packing
    assert files.find(FILE) == [path]
    assert files.read(FILE) == [CONTENT]


def test_the_users_folder_comes_first(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / "mine"))
    for folder in (cache, tmp_path / "mine"):
        (folder / "numbers").mkdir(parents=True)
        (folder / "numbers" / "numbers").write_bytes(CONTENT)
    assert source().find(FILE) == [tmp_path / "mine" / "numbers" / "numbers"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("numbers", CONTENT[:-1], "wrong checksum"),
        ("numbers.gz", gzip.compress(CONTENT)[:-9], "cannot be read, damaged or cut short"),
        ("numbers.gz", b"<html>not here</html>", "cannot be read, damaged or cut short"),
        ("numbers.gz", gzip.compress(CONTENT[1:]), "wrong checksum"),
    ],
)
def test_a_bad_file_that_is_there_is_named_and_kept(cache, name, content, reason):
    path = cache / "numbers" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(GenbenchError, match=f"^{path}: {reason}.*delete it") as e:
        source().read(FILE)
    assert "\n" not in str(e.value)
    assert path.read_bytes() == content


def test_the_command_fetches_checks_and_forces(server, cache, monkeypatch):
    from genbench.datasets.images import MNIST

    monkeypatch.setattr(MNIST, "files", source(server.mirrors("right")))
    path = cache / "numbers" / "numbers.gz"
    for arguments, asked in ((["mnist"], 1), (["mnist"], 1), (["mnist", "--force"], 2)):
        done = CliRunner().invoke(data, ["fetch", *arguments])
        assert done.stdout.split() == [str(path)], done.output
        assert len(server.asked) == asked
    path.write_bytes(b"broken")
    assert isinstance(CliRunner().invoke(data, ["fetch", "mnist"]).exception, GenbenchError)
    assert CliRunner().invoke(data, ["fetch", "mnist", "--force"]).exit_code == 0
    assert gzip.decompress(path.read_bytes()) == CONTENT


def test_info_names_files_or_addresses(server, cache, monkeypatch):
    from genbench.datasets.images import MNIST

    monkeypatch.setattr(MNIST, "files", source(server.mirrors("right", "wrong"), licence="free"))
    shown = CliRunner().invoke(data, ["info", "mnist"]).stdout
    for fact in (
        "1 × 28 × 28",
        "image",
        "50,000 train, 10,000 validation",
        "free",
        FILE.sha256,
        f"{server.url}/right/numbers.gz",
        f"{server.url}/wrong/numbers.gz",
    ):
        assert fact in shown
    source(server.mirrors("right")).read(FILE)
    shown = CliRunner().invoke(data, ["info", "mnist"]).stdout
    assert str(cache / "numbers" / "numbers.gz") in shown
    assert server.url not in shown


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("moons[noise=0.1]", ["moons[noise=0.1]", "20,000 train, 5,000 validation, 10,000 test", "needs no file"]),
        ("wine", ["108 train, 35 validation, 35 test", "classes     3", "table", "nothing to fetch"]),
    ],
)
def test_info_of_datasets_without_files(name, facts):
    shown = CliRunner().invoke(data, ["info", name]).stdout
    assert all(fact in shown for fact in facts), shown
    assert CliRunner().invoke(data, ["fetch", name]).exit_code == 0
