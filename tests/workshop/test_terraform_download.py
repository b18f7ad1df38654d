"""Downloading Terraform, from a server of the test's own."""

import errno
import hashlib
import io
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.fixtures import tls
from workshop.deployment.terraform import download, program
from workshop.deployment.terraform.download import DownloadError
from workshop.deployment.terraform.pinned import RELEASE, Release
from workshop.deployment.terraform.provider_mirror import machine
from workshop.errors import UsageError
from workshop.paths import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")

VERSION = "1.11.4"
PATH = f"/terraform/{VERSION}/terraform_{VERSION}_{machine()}.zip"
SCRIPT = f"""#!/bin/sh\necho '{{"terraform_version": "{VERSION}"}}'\n"""


def archive(**contents):
    """A zip with files of these names."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        for name, text in contents.items():
            zipped.writestr(name, text)
    return data.getvalue()


ARCHIVE = archive(LICENSE="free", terraform=SCRIPT)


def release_of(data=ARCHIVE, platform=None):
    return Release(VERSION, {platform or machine(): hashlib.sha256(data).hexdigest()})


@dataclass
class Server:
    """A server on loopback that answers each request as the test says.

    Attributes:
        answer: Writes the answer; gets the request's handler.
        listening: What listens.
        asked: The paths asked for, in their order.
        finished: Set at the test's end: a stalled answer waits for it.
    """

    address: str
    answer: object
    listening: ThreadingHTTPServer
    asked: list = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)


def whole(handler, data=ARCHIVE):
    """The archive, as it should be."""
    begun(handler, data, len(data))


def begun(handler, data=ARCHIVE, count=100):
    """An answer that ends after a number of bytes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[:count])
    handler.wfile.flush()


def reset(handler):
    """An answer whose connection is reset in the middle."""
    begun(handler)
    now = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    handler.connection.close()


def stalled(handler):
    """An answer that goes on, but not in this test."""
    begun(handler)
    handler.server.test.finished.wait(60)


def closed(handler):
    """No answer at all."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def status(code, **headers):
    """An answer with nothing in it."""

    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.test.asked.append(self.path)
        self.server.test.answer(self)

    do_CONNECT = do_GET  # noqa: N815 - the base class's

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing: the client deliberately closes the connection."""


@pytest.fixture
def server(monkeypatch):
    """A mirror that serves the archive, and no proxy on the way to it."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with _Server(("127.0.0.1", 0), _Handler) as listening:
        address = f"http://127.0.0.1:{listening.server_port}"
        made = listening.test = Server(address, whole, listening)
        monkeypatch.setenv(download.MIRROR_VARIABLE, f"{made.address}/terraform")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.finished.set()
        listening.shutdown()
        thread.join()


@pytest.fixture
def found(server, tmp_path, monkeypatch):
    """A machine whose PATH has the programs that the test puts there."""
    monkeypatch.setattr(program, "OWN", tmp_path / "own")
    monkeypatch.setattr(program, "RELEASE", release_of())
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder, script):
    path = folder / "terraform"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def files(folder):
    """What a download left in a folder, but for its lock."""
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"download.lock"}


def fails(target, release=None, **options):
    """The one sentence, and the advice, of a download that fails and leaves nothing."""
    with pytest.raises(DownloadError) as caught:
        download.fetch(target / "terraform", release or release_of(), **options)
    assert files(target) == set()
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


def test_the_program_is_unpacked_executable_and_alone(server, tmp_path):
    target = tmp_path / "own" / "terraform"
    download.fetch(target, release_of())
    assert server.asked == [PATH]
    assert target.read_text() == SCRIPT
    assert os.access(target, os.X_OK)
    assert files(tmp_path) == {"terraform"}


def test_a_redirect_on_the_same_server_is_followed(server, tmp_path):
    elsewhere = f"{server.address}/archive"
    server.answer = lambda handler: (
        status(302, Location=elsewhere)(handler) if handler.path == PATH else whole(handler)
    )
    download.fetch(tmp_path / "terraform", release_of())
    assert server.asked == [PATH, "/archive"]


def test_an_archive_with_another_hash_is_refused(server, tmp_path):
    said = fails(tmp_path, release_of(b"another"))
    assert f"terraform_{VERSION}_{machine()}.zip is not HashiCorp's archive" in said
    assert hashlib.sha256(ARCHIVE).hexdigest() in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(404), f"127.0.0.1 answered 404 Not Found for http://127.0.0.1:.*{PATH}"),
        (status(500), "127.0.0.1 answered 500 Internal Server Error"),
        (reset, r"127.0.0.1 stopped in the middle of the download \(Connection reset by peer\)"),
        (begun, r"127.0.0.1 stopped in the middle of the download \(\d+ bytes are missing\)"),
        (stalled, r"127.0.0.1 .* \(timed out\)"),
        (closed, r"127.0.0.1 cannot be reached \(Remote end closed connection"),
        (
            status(302, Location="http://login.example/terms?id=1"),
            "127.0.0.1 redirects to http://login.example, which may be a login page",
        ),
    ],
    ids=["404", "500", "reset", "truncated", "timeout", "closed", "redirect"],
)
def test_a_server_that_fails_is_named_with_the_reason(server, tmp_path, answer, said):
    server.answer = answer
    timeout = 1 if answer is stalled else 60
    assert re.match(said, fails(tmp_path, timeout=timeout))


def test_a_server_out_of_reach_is_named_with_the_reason(server, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    monkeypatch.setenv(download.MIRROR_VARIABLE, f"http://127.0.0.1:{port}")
    assert fails(tmp_path) == "127.0.0.1 cannot be reached (Connection refused)"


def test_a_server_without_an_address_is_named_with_the_reason(server, tmp_path, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.delenv(download.MIRROR_VARIABLE)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = fails(tmp_path)
    assert said == "releases.hashicorp.com cannot be reached (Name or service not known)"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_requires_a_login_is_named(server, tmp_path, monkeypatch, scheme):
    server.answer = status(407)
    monkeypatch.setenv(download.MIRROR_VARIABLE, f"{scheme}://mirror.invalid/terraform")
    monkeypatch.setenv(f"{scheme}_proxy", server.address.replace("//", "//me:secret@"))
    said = fails(tmp_path)
    assert said == f"the proxy {urlsplit(server.address).netloc} requires a login (407)"
    assert server.asked[0].endswith("mirror.invalid:443" if scheme == "https" else PATH)


def test_a_proxy_that_fails_is_named_with_the_reason(server, tmp_path, monkeypatch):
    server.answer = status(502)
    monkeypatch.setenv(download.MIRROR_VARIABLE, "https://mirror.invalid/terraform")
    monkeypatch.setenv("https_proxy", server.address)
    said = fails(tmp_path)
    through = f"through the proxy {urlsplit(server.address).netloc}"
    assert said.startswith(f"mirror.invalid cannot be reached {through} (Tunnel connection failed")


def test_a_host_in_no_proxy_is_asked_directly(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    download.fetch(tmp_path / "terraform", release_of())
    assert server.asked == [PATH]


def test_a_certificate_is_trusted_through_ssl_cert_file_only(server, tmp_path, monkeypatch):
    pem = tls.certificate(tmp_path)
    tls.wrap(server.listening, pem)
    port = urlsplit(server.address).port
    monkeypatch.setenv(download.MIRROR_VARIABLE, f"https://localhost:{port}/terraform")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    target = tmp_path / "own"
    target.mkdir()
    assert fails(target).startswith("the certificate of localhost is not trusted (self")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    download.fetch(target / "terraform", release_of())
    assert files(target) == {"terraform"}


@pytest.mark.parametrize(
    "address", ["mirror.example", "ftp://mirror.example", "https://", "https://me:secret@a.example"]
)
def test_a_mirror_without_a_proper_address_is_refused(server, tmp_path, monkeypatch, address):
    monkeypatch.setenv(download.MIRROR_VARIABLE, address)
    assert fails(tmp_path).startswith(
        "WORKSHOP_TERRAFORM_MIRROR is not an address such as https://"
    )
    assert server.asked == []


def test_an_unknown_platform_is_named_with_the_known_ones(server, tmp_path):
    said = fails(tmp_path, RELEASE, platform="plan9_mips")
    assert said == "there is none for this platform, plan9_mips"
    assert server.asked == []


def test_the_five_usual_platforms_have_a_hash():
    assert set(RELEASE.hashes) == {
        *("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64")
    }
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in RELEASE.hashes.values())


@pytest.mark.parametrize(
    "data", [archive(LICENSE="free"), b"not an archive"], ids=["other files", "no archive"]
)
def test_an_archive_without_the_program_is_refused(server, tmp_path, data):
    server.answer = lambda handler: whole(handler, data)
    assert fails(tmp_path, release_of(data)) == "the archive holds no program terraform"


def test_a_killed_download_leaves_nothing_that_looks_complete(server, tmp_path):
    server.answer = stalled
    script = (
        "import sys; from pathlib import Path\n"
        "from workshop.deployment.terraform import download, pinned\n"
        "download.fetch(Path(sys.argv[1]), pinned.RELEASE)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "terraform")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr.readline().startswith("Downloading Terraform 1.11.4 (")
        killed.send_signal(signal.SIGKILL)
    assert files(tmp_path) == set()


class Terminal(io.StringIO):
    """Standard error as a person sees it, or a pipe does."""

    def __init__(self, *, is_terminal=True):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "shown"),
    [
        (True, ["", f"Downloading Terraform {VERSION}: 2 of 3 MB", ": 3 of 3 MB \n"]),
        (False, [f"Downloading Terraform {VERSION} (3 MB) …\n"]),
    ],
)
def test_progress_is_megabytes_on_a_terminal_and_a_line_elsewhere(
    server, tmp_path, monkeypatch, is_terminal, shown
):
    data = archive(terraform=os.urandom(3_000_000).hex()[:3_000_000])
    server.answer = lambda handler: whole(handler, data)
    monkeypatch.setattr(sys, "stderr", Terminal(is_terminal=is_terminal))
    download.fetch(tmp_path / "terraform", release_of(data))
    written = sys.stderr.getvalue()
    assert all(each in written for each in shown)
    assert is_terminal == ("\r" in written)


def test_a_missing_terraform_is_downloaded_once(server, found, capsys):
    first, second = program.find(), program.find()
    assert first == second
    assert str(first) == f"Terraform {VERSION} (downloaded)"
    assert server.asked == [PATH]
    assert capsys.readouterr().err == f"Downloading Terraform {VERSION} (0 MB) …\n"


def test_an_installed_terraform_is_used_and_nothing_downloaded(server, found):
    install(found, """echo '{"terraform_version": "1.9.0"}'""")
    assert str(program.find()) == f"Terraform 1.9.0 (installed: {found}/terraform)"
    assert server.asked == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("""echo '{"terraform_version": "1.5.7"}'""", "(found 1.5.7 at {}/terraform)"),
        ("echo no version is set; exit 126", "(no version is reported by {}/terraform)"),
        ("""echo '{"terraform_version": null}'""", "(no version is reported by {}/terraform)"),
    ],
    ids=["old", "a version manager without a version", "strange"],
)
def test_an_installed_terraform_that_will_not_do_is_replaced(server, found, capsys, script, said):
    install(found, script)
    assert program.find().downloaded
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        f"Terraform 1.9 or newer is required {said.format(found)}. "
        "A copy of the workshop's own is downloaded and used."
    )
    assert program.find().downloaded
    assert capsys.readouterr().err == ""


def test_a_damaged_copy_is_downloaded_again(server, found):
    path = program.OWN / VERSION / "terraform"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    assert program.find().downloaded
    assert path.read_text() == SCRIPT


def refused():
    with pytest.raises(UsageError) as caught:
        program.find()
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_failed_download_says_what_to_do(server, found):
    server.answer = status(503)
    assert refused() == (
        f"Terraform {VERSION} could not be downloaded: "
        f"127.0.0.1 answered 503 Service Unavailable for {server.address}{PATH}. "
        "Try later, or see whether WORKSHOP_TERRAFORM_MIRROR names a mirror that has it, "
        "or install Terraform 1.9 or newer from developer.hashicorp.com/terraform/install."
    )


def test_a_program_that_does_not_run_is_refused(server, found, monkeypatch):
    data = archive(terraform="for another machine")
    server.answer = lambda handler: whole(handler, data)
    monkeypatch.setattr(program, "RELEASE", release_of(data))
    assert f"{program.OWN}/{VERSION}/terraform does not run. Delete it" in refused()


@pytest.mark.parametrize("folder", ["own", f"own/{VERSION}"])
def test_a_folder_that_cannot_be_written_is_named(server, found, tmp_path, folder):
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    (tmp_path / folder).write_text("a file")
    said = refused()
    assert re.search(r"own cannot be written \((File exists|Not a directory)\)\. Make it", said)
    assert server.asked == []


def test_a_full_disk_is_named_and_nothing_left(server, found, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "could not be downloaded: the disk is full. Free 150 MB and run" in refused()
    assert files(program.OWN) == set()


def test_one_of_two_commands_downloads_and_the_other_waits(server, found, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal(is_terminal=False))
    go_on = threading.Event()

    def answer(handler):
        go_on.wait(60)
        whole(handler)

    server.answer = answer
    results = []
    threads = [threading.Thread(target=lambda: results.append(program.find())) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while "Another command is downloading Terraform" not in sys.stderr.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    go_on.set()
    for thread in threads:
        thread.join()
    assert [str(each) for each in results] == [f"Terraform {VERSION} (downloaded)"] * 2
    assert server.asked == [PATH]
