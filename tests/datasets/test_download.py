"""Every way a download can go, against a server on this machine."""

import contextlib
import gzip
import hashlib
import http.server
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skchem_dl.datasets import _download
from skchem_dl.datasets._download import RemoteFile, data_folder, find_or_download

CONTENT = b"smiles,y\n" + b"CCO,1.5\n" * 5_000
FILE = RemoteFile("set.csv", "Original.csv", (hashlib.sha256(CONTENT).hexdigest(),), "fetch_set")
PORTAL = b"<html>Sign in to the hotel's network</html>"
PACKED = FILE._replace(remote="original.csv.gz")


class Server(http.server.ThreadingHTTPServer):
    """Answers with `reply(handler)`, and counts requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.reply = send_all

    def handle_error(self, request, client_address):
        """Clients that are killed are part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        self.server.reply(self)

    def log_message(self, *args):
        pass


def send(handler, content, length=None):
    handler.send_response(200)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(content)


def send_all(handler):
    content = gzip.compress(CONTENT) if handler.path.endswith(".gz") else CONTENT
    send(handler, content, len(content))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(_download, "BASE_URL", f"http://127.0.0.1:{server.server_port}/")
        yield server
        server.shutdown()


@pytest.fixture
def offline(monkeypatch, server):
    port = server.server_port + 1  # whatever is there, it does not serve this file
    monkeypatch.setattr(_download, "BASE_URL", f"http://127.0.0.1:{port}/")


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize("file", [FILE, PACKED])
def test_downloads_once_and_silently(server, tmp_path, capfd, file):
    folder = tmp_path / "new" / "folder"
    path = find_or_download(file, folder, True)
    assert path == folder / "set.csv"
    assert path.read_bytes() == CONTENT
    assert visible(folder) == ["set.csv"]
    assert find_or_download(file, folder, True) == find_or_download(file, folder, False) == path
    assert server.requests == [f"/{file.remote}"]
    assert capfd.readouterr() == ("", "")


def test_the_users_own_pooch_still_speaks(server, tmp_path):
    import pooch

    before = list(pooch.get_logger().filters), pooch.get_logger().level
    find_or_download(FILE, tmp_path, True)
    assert (pooch.get_logger().filters, pooch.get_logger().level) == before


def send_other(handler):
    send(handler, PORTAL, len(PORTAL))


def send_half(handler):
    send(handler, CONTENT[: len(CONTENT) // 2], len(CONTENT))


def send_half_without_length(handler):
    packed = gzip.compress(CONTENT)
    send(handler, packed[: len(packed) // 2])


def send_not_found(handler):
    handler.send_error(404)


@pytest.mark.parametrize(
    ("file", "reply", "message"),
    [
        (FILE, send_other, f"hash.*{FILE.sha256[0]}.*{hashlib.sha256(PORTAL).hexdigest()}"),
        (FILE, send_half, "IncompleteRead"),
        (PACKED, send_half_without_length, "cut short"),
        (FILE, send_not_found, "404"),
    ],
)
def test_a_failed_download_leaves_nothing(server, tmp_path, file, reply, message):
    server.reply = reply
    with pytest.raises(OSError, match=message) as caught:
        find_or_download(file, tmp_path, True)
    for text in ("fetch_set could not", _download.BASE_URL + file.remote, "SKCHEM_DL_DATA"):
        assert text in str(caught.value)
    assert visible(tmp_path) == []
    server.reply = send_all
    assert find_or_download(file, tmp_path, True).read_bytes() == CONTENT


def test_ctrl_c_leaves_nothing(server, tmp_path, monkeypatch):
    import pooch

    class Interrupted(pooch.HTTPDownloader):
        def __call__(self, url, output_file, *args):
            Path(output_file).write_bytes(CONTENT[:100])
            raise KeyboardInterrupt

    monkeypatch.setattr(pooch, "HTTPDownloader", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_or_download(FILE, tmp_path, True)
    assert visible(tmp_path) == []


@pytest.mark.usefixtures("offline")
def test_offline(tmp_path):
    with pytest.raises(OSError, match=r"(?s)could not download.*set\.csv or Original\.csv"):
        find_or_download(FILE, tmp_path, True)
    (tmp_path / "set.csv").write_bytes(CONTENT)
    assert find_or_download(FILE, tmp_path, True) == tmp_path / "set.csv"


def test_missing_and_not_to_be_downloaded(server, tmp_path):
    with pytest.raises(OSError, match=r"fetch_set found no set\.csv or Original\.csv in"):
        find_or_download(FILE, tmp_path / "nowhere", False)
    assert server.requests == []
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("Original.csv", CONTENT), ("original.csv.gz", gzip.compress(CONTENT))],
)
def test_takes_the_file_under_its_original_name(server, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert find_or_download(FILE._replace(remote=name), tmp_path, True) == tmp_path / name
    assert server.requests == []


@pytest.mark.parametrize(
    "content",
    [CONTENT[:-1], gzip.compress(CONTENT)[:-20], b""],
    ids=["cut", "cut and packed", "empty"],
)
def test_a_changed_copy_is_refused_and_left_alone(server, tmp_path, content):
    path = tmp_path / "set.csv"
    path.write_bytes(content)
    with pytest.raises(OSError, match=f"(?s)set.csv is not the file .*{FILE.sha256[0]}.*move"):
        find_or_download(FILE, tmp_path, True)
    assert path.read_bytes() == content
    assert server.requests == []


def test_a_known_copy_with_the_same_values_will_do(server, tmp_path):
    copy = CONTENT.replace(b"\n", b"\r\n")
    (tmp_path / "set.csv").write_bytes(copy)
    known = FILE._replace(sha256=(*FILE.sha256, hashlib.sha256(copy).hexdigest()))
    assert find_or_download(known, tmp_path, True).read_bytes() == copy
    assert server.requests == []


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="could not download"):
        find_or_download(FILE, tmp_path / "file", True)


def test_without_pooch(server, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"fetch_set.*pooch.*'skchem_dl\[datasets\]'"):
        find_or_download(FILE, tmp_path, True)
    (tmp_path / "set.csv").write_bytes(CONTENT)
    assert find_or_download(FILE, tmp_path, True) == tmp_path / "set.csv"


def start_fetching(folder):
    """Start a process that imports, says so, and fetches as soon as it gets a line."""
    code = f"""
from pathlib import Path
from skchem_dl.datasets import _download
_download.BASE_URL = {_download.BASE_URL!r}
print("imported", flush=True)
input()
path = _download.find_or_download(_download.{FILE!r}, {str(folder)!r}, True)
print(len(path.read_bytes()))
"""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True)


def go(process):
    assert process.stdout.readline() == "imported\n"
    process.stdin.write("\n")
    process.stdin.flush()


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def test_two_processes_at_once(server, tmp_path):
    both_run = threading.Event()

    def send_when_both_run(handler):
        both_run.wait(20)
        send_all(handler)

    server.reply = send_when_both_run
    with start_fetching(tmp_path) as first, start_fetching(tmp_path) as second:
        go(first)
        wait_until(lambda: server.requests)
        go(second)
        time.sleep(0.3)  # enough for it to come to the lock
        both_run.set()
        for process in (first, second):
            assert process.communicate(timeout=120)[0] == f"{len(CONTENT)}\n"
    assert len(server.requests) == 1
    assert visible(tmp_path) == ["set.csv"]


def test_a_killed_download_is_never_taken_for_the_file(server, tmp_path):
    killed = threading.Event()

    def send_half_and_wait(handler):
        with contextlib.suppress(OSError):
            send(handler, CONTENT[:20_000], len(CONTENT))
            killed.wait(20)

    server.reply = send_half_and_wait
    with start_fetching(tmp_path) as process:
        go(process)
        wait_until(lambda: server.requests)
        process.kill()
    killed.set()
    assert "set.csv" not in visible(tmp_path)
    server.reply = send_all
    assert find_or_download(FILE, tmp_path, True).read_bytes() == CONTENT


def test_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("SKCHEM_DL_DATA", raising=False)
    assert data_folder(None) == tmp_path / "skchem_dl_data"
    monkeypatch.setenv("SKCHEM_DL_DATA", "~/elsewhere")
    assert data_folder(None) == tmp_path / "elsewhere"
    assert data_folder("given") == data_folder(Path("given")) == Path("given")
    monkeypatch.setenv("SKCHEM_DL_DATA", "")
    assert data_folder(None) == tmp_path / "skchem_dl_data"
