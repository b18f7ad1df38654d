"""HTTPS trusts what boto3 trusts, whatever Python finds on the machine."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from tests.fixtures import tls
from workshop import https
from workshop.deployment.aws import github_repository
from workshop.deployment.terraform import download
from workshop.deployment.terraform.pinned import Release
from workshop.deployment.terraform.provider_mirror import machine
from workshop.errors import UsageError, WorkshopError
from workshop.orders import signed_http

REPOSITORY = {"id": 22, "full_name": "acme/orders", "owner": {"id": 11}}
BODY = json.dumps(REPOSITORY).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


@pytest.fixture
def machine_without_authorities(monkeypatch, tmp_path):
    """As Python from python.org leaves macOS; nothing names other authorities, or a proxy."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("no_proxy", "localhost")


@pytest.fixture
def server(machine_without_authorities, tmp_path):
    """A server with a certificate of its own."""
    pem = tls.certificate(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as listening:
        listening.handle_error = lambda *_: None  # a client that does not trust it goes away
        tls.wrap(listening, pem)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        address = f"https://localhost:{listening.server_port}"
        yield SimpleNamespace(address=address, certificate=str(pem))
        listening.shutdown()
        thread.join()


def send_to_api(server, _folder, _monkeypatch):
    return signed_http.send("GET", server.address, session=None).body


def ask_github(server, _folder, _monkeypatch):
    found = github_repository.look_up("acme/orders", f"{server.address}/repos/")
    return REPOSITORY if found.repository_id == 22 else None


def download_terraform(server, folder, monkeypatch):
    monkeypatch.setenv(download.MIRROR_VARIABLE, server.address)
    monkeypatch.setattr(download, "_unpack", lambda *_: None)
    download.fetch(
        folder / "terraform", Release("1.0", {machine(): hashlib.sha256(BODY).hexdigest()})
    )
    return REPOSITORY


CALLERS = (send_to_api, ask_github, download_terraform)


@pytest.mark.parametrize("call", CALLERS)
def test_every_caller_trusts_the_bundle_of_boto3(call, server, tmp_path, monkeypatch):
    with pytest.raises((URLError, WorkshopError, download.DownloadError), match="certificate"):
        call(server, tmp_path, monkeypatch)
    monkeypatch.setenv("AWS_CA_BUNDLE", server.certificate)
    assert call(server, tmp_path, monkeypatch) == REPOSITORY


def name_in_configuration(monkeypatch, pem, folder):
    (folder / "config").write_text(f"[default]\nca_bundle = {pem}\n")


def name_as_requests_does(monkeypatch, pem, folder):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", pem)


def name_beside_missing_profile(monkeypatch, pem, folder):
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_CA_BUNDLE", pem)


def name_for_openssl(monkeypatch, pem, folder):
    monkeypatch.setenv("SSL_CERT_FILE", pem)


def bring_with_botocore(monkeypatch, pem, folder):
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr("botocore.httpsession.get_cert_path", lambda _: pem)


@pytest.mark.parametrize(
    "name",
    [
        name_in_configuration,
        name_as_requests_does,
        name_beside_missing_profile,
        name_for_openssl,
        bring_with_botocore,
    ],
)
def test_authorities_are_trusted_however_they_are_named(name, server, tmp_path, monkeypatch):
    name(monkeypatch, server.certificate, tmp_path)
    assert send_to_api(server, tmp_path, monkeypatch) == REPOSITORY


def test_own_authorities_replace_those_of_botocore(server, monkeypatch):
    monkeypatch.setattr("botocore.httpsession.get_cert_path", lambda _: server.certificate)
    with pytest.raises(URLError, match="certificate"):
        send_to_api(server, None, monkeypatch)


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem"])
def test_unreadable_authorities_are_named(name, machine_without_authorities, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / name))
    with pytest.raises(UsageError, match=f"{name} cannot be read .*AWS_CA_BUNDLE"):
        https.opener("https://localhost")


def test_plain_http_reads_no_authorities(machine_without_authorities, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent")
    assert https.opener("http://127.0.0.1")
