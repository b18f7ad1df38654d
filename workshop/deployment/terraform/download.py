"""Download the terraform program, checked by its hash.

An interrupted download leaves nothing that looks complete: the archive is a file without a name,
and the program gets its name when all of it is on the disk.
"""

import hashlib
import http.client  # noqa: TID253 - this module is imported when there is a download
import os
import re
import shutil
import ssl
import sys
import tempfile
import urllib.error
import urllib.request  # noqa: TID253
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Self
from urllib.parse import SplitResult, urlsplit

from workshop import https
from workshop.deployment.terraform.pinned import Release
from workshop.deployment.terraform.provider_mirror import machine

MIRROR_VARIABLE = "WORKSHOP_TERRAFORM_MIRROR"
"""Names another base address, with HashiCorp's layout below it; the hashes stay the same."""

_HASHICORP = "https://releases.hashicorp.com/terraform"
_ADDRESS = re.compile(
    r"https?://(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?:/[^\s?#]*)?", re.ASCII | re.IGNORECASE
)
_TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 16  # bytes
_MEGABYTE = 1_000_000
_LOGIN_REQUIRED = re.compile(r"(?:HTTP Error|Tunnel connection failed:) 407\b")  # urllib's words


class DownloadError(Exception):
    """The program could not be downloaded.

    Attributes:
        remedy: What to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def fetch(
    program: Path, release: Release, platform: str | None = None, timeout: float = _TIMEOUT
) -> None:
    """Download a release, check its hash, and unpack its one program.

    Args:
        program: The program's path; its name is also its name in the archive.
        release: The version, and the hashes of its archives.
        platform: The platform, such as ``linux_amd64``; by default this machine's.
        timeout: How long to wait for the next byte, in seconds.

    Raises:
        DownloadError: With what happened and what to do; no part of a file is left.
        OSError: The disk is full, or the program's folder cannot be written.
    """
    platform = platform or machine()
    if platform not in release.hashes:
        raise DownloadError(
            f"there is none for this platform, {platform}",
            f"Use one of {', '.join(release.hashes)}",
        )
    address = f"{_base()}/{release.version}/terraform_{release.version}_{platform}.zip"
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=program.parent) as archive:
        found = _download(address, archive, f"Terraform {release.version}", timeout)
        if found != release.hashes[platform]:
            raise DownloadError(
                f"{address} is not HashiCorp's archive: its SHA-256 is {found}, "
                f"not {release.hashes[platform]}",
                "Ask who runs the proxy or the mirror on the way, run `make setup` again",
            )
        _unpack(archive, program)


def _base() -> str:
    """Return the base address: HashiCorp's, or a mirror's.

    Raises:
        DownloadError: The mirror's is not an address, or names a user.
    """
    base = os.environ.get(MIRROR_VARIABLE) or _HASHICORP
    if not _ADDRESS.fullmatch(base):
        raise DownloadError(
            f"{MIRROR_VARIABLE} is not an address such as {_HASHICORP}",
            "Correct it or unset it, run `make setup` again",
        )
    return base.rstrip("/")


def _download(address: str, archive: BinaryIO, name: str, timeout: float) -> str:
    """Write what an address serves to a file, and return its SHA-256.

    Raises:
        DownloadError: The server is out of reach, refuses, or stops in the middle.
        OSError: The file cannot be written.
    """
    opener = https.opener(address, _SameServer())
    with _explained(address, "cannot be reached"):
        response = opener.open(address, timeout=timeout)
    digest = hashlib.sha256()
    with response, _Progress(name, response.length or 0) as progress:
        while block := _read(response, address):
            archive.write(block)
            digest.update(block)
            progress.add(len(block))
    return digest.hexdigest()


def _read(response: http.client.HTTPResponse, address: str) -> bytes:
    """Return the next bytes of a response; none at its end."""
    with _explained(address, "stopped in the middle of the download"):
        block = response.read(_BLOCK)
        if not block and response.length:
            raise ConnectionError(f"{response.length} bytes are missing")
    return block


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the same server only: elsewhere is often a network's login page."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            fp.close()
            raise DownloadError(
                f"{before.hostname} redirects to {after.scheme}://{after.netloc}, which may be a "
                "login page of this network",
                "Log in to the network with a browser and run `make setup` again",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _explained(address: str, how: str) -> Iterator[None]:
    """Say what an error of the network means, and what to do about it.

    Args:
        address: What is downloaded.
        how: What the server does not do, when there is no better explanation.

    Raises:
        DownloadError: In the place of the network's error.
    """
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is a response, too
        raise _meaning(error, urlsplit(address), how) from error


def _meaning(error: Exception, address: SplitResult, how: str) -> DownloadError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    proxy = _proxy(address)
    if _LOGIN_REQUIRED.search(str(error)):
        return DownloadError(
            f"the proxy {proxy or ''} requires a login (407)",
            "Set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT and run `make setup` again",
        )
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"the certificate of {address.hostname} is not trusted ({reason.verify_message})",
            "Set SSL_CERT_FILE to a file with your network's authorities and run `make setup` "
            "again",
        )
    if isinstance(error, urllib.error.HTTPError):
        return DownloadError(
            f"{address.hostname} answered {error.code} {error.reason} for {address.geturl()}",
            f"Try later, or see whether {MIRROR_VARIABLE} names a mirror that has it",
        )
    through = f" through the proxy {proxy}" if proxy else ""
    why = getattr(reason, "strerror", None) or reason
    return DownloadError(
        f"{address.hostname} {how}{through} ({why})",
        "Check the network and HTTPS_PROXY and run `make setup` again",
    )


def _proxy(address: SplitResult) -> str | None:
    """The proxy on the way to an address, without its user and password; None without one."""
    host = address.hostname or ""
    proxy = urllib.request.getproxies().get(address.scheme)
    if proxy is None or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]


def _unpack(archive: BinaryIO, program: Path) -> None:
    """Take the program out of its archive; it gets its name when it is complete.

    Raises:
        DownloadError: The archive does not hold it.
        OSError: It cannot be written.
    """
    unfinished = program.with_name(f"{program.name}.part")
    try:
        with (
            zipfile.ZipFile(archive) as unzipped,
            unzipped.open(program.name) as source,
            unfinished.open("wb") as copy,
        ):
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        unfinished.chmod(0o755)
        unfinished.replace(program)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DownloadError(
            f"the archive holds no program {program.name}", "Run `make setup` again"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


class _Progress:
    """Shows a download: megabytes on a terminal, elsewhere one line at its start."""

    def __init__(self, name: str, total: int) -> None:
        """Begin with nothing done; total is in bytes, 0 when it is unknown."""
        self._name = name
        self._done = 0
        self._total = total

    def __enter__(self) -> Self:
        if not sys.stderr.isatty():
            size = f" ({self._total / _MEGABYTE:.0f} MB)" if self._total else ""
            sys.stderr.write(f"Downloading {self._name}{size} …\n")
            sys.stderr.flush()
        return self

    def add(self, count: int) -> None:
        """Count bytes."""
        self._done += count
        if sys.stderr.isatty():
            size = f" of {self._total / _MEGABYTE:.0f}" if self._total else ""
            done = f"{self._done / _MEGABYTE:.0f}"
            sys.stderr.write(f"\rDownloading {self._name}: {done}{size} MB ")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
