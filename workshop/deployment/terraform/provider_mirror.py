"""Find the Terraform provider on this machine, so that a machine without internet can use it.

Terraform looks for providers in a few fixed folders only. Machines prepared for offline work keep
them elsewhere, described by a CLI configuration that may be missing. So the usual places are
searched for the very version that the dependency lock file names, whose hash Terraform checks.
"""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workshop.files import write_atomically
from workshop.paths import STATE, TERRAFORM_LOCK

CACHE = STATE / "terraform-plugins"
"""Where Terraform keeps what it downloads: once for all clouds."""

SEARCH_DEPTH = 3
"""How far below a usual root a plugin directory is looked for."""

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PATH_SETTING = re.compile(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Provider:
    """What the dependency lock file asks for.

    Attributes:
        address: Such as ``<host>/hashicorp/aws``.
        version: Such as ``5.100.0``.
    """

    address: str
    version: str


def locked_provider(lock: Path = TERRAFORM_LOCK) -> Provider:
    """The AWS provider of the dependency lock file."""
    text = lock.read_text("utf-8")
    found = re.search(r'provider "([^"]+/hashicorp/aws)" \{\s*version\s*=\s*"([^"]+)"', text)
    if not found:
        raise ValueError(f"{lock} names no hashicorp/aws provider")
    return Provider(*found.groups())


def machine() -> str:
    """This machine in Terraform's words, such as ``linux_amd64``."""
    system = {"win32": "windows"}.get(sys.platform, sys.platform)
    return f"{system}_{_MACHINES.get(platform.machine().lower(), platform.machine().lower())}"


def holds(directory: Path, provider: Provider, target: str) -> bool:
    """Whether a directory has the provider in one of the two layouts that Terraform reads."""
    base = directory / provider.address
    name = f"terraform-provider-{provider.address.rpartition('/')[2]}"
    try:
        unpacked = any((base / provider.version / target).glob(f"{name}*"))
        return unpacked or (base / f"{name}_{provider.version}_{target}.zip").is_file()
    except OSError:  # not ours to read
        return False


def discard_download() -> bool:
    """Delete the locked provider from what Terraform has downloaded.

    Returns:
        Whether it was there.
    """
    provider = locked_provider()
    downloaded = CACHE / provider.address / provider.version / machine()
    if not downloaded.exists():
        return False
    shutil.rmtree(downloaded)
    return True


def find_mirror(
    provider: Provider,
    target: str,
    likely: Iterable[Path],
    roots: Iterable[Path],
) -> Path | None:
    """The first plugin directory that has the provider.

    Args:
        provider: What is looked for.
        target: The machine it must run on.
        likely: Plugin directories, if they exist.
        roots: Folders below which a plugin directory may lie, ``SEARCH_DEPTH`` deep at most.
    """
    for directory in likely:
        if holds(directory, provider, target):
            return directory
    for root in roots:
        for directory in _folders(root, SEARCH_DEPTH):
            if holds(directory, provider, target):
                return directory
    return None


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """A folder and those below it, the nearest first; links are not followed."""
    level = [root]
    for _ in range(depth + 1):
        yield from level
        level = [child for folder in level for child in _children(folder)]


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(each.path) for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return []


def likely_directories(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """The directories that Terraform, or this user's settings for it, name."""
    yield CACHE
    if cache := environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cache).expanduser()
    if config := user_configuration(environ, home):
        for setting in _PATH_SETTING.findall(_read(config)):
            yield Path(setting).expanduser()
    yield home / ".terraform.d/plugins"
    yield home / ".terraform.d/plugin-cache"
    if sys.platform == "win32":
        yield Path(environ.get("APPDATA", home)) / "terraform.d/plugins"
    elif sys.platform == "darwin":
        yield home / "Library/Application Support/io.terraform/plugins"
        yield Path("/Library/Application Support/io.terraform/plugins")
    data = environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    for folder in [environ.get("XDG_DATA_HOME", str(home / ".local/share")), *data]:
        yield Path(folder) / "terraform/plugins"


def usual_roots(home: Path) -> list[Path]:
    """Folders below which machines prepared for offline work keep providers."""
    system = ["/opt", "/usr/local/lib", "/usr/local/share", "/usr/share/terraform", "/usr/lib"]
    own = [".terraform.d", ".terraform", ".cache/terraform", ".local/share/terraform"]
    return [*(home / each for each in own), *map(Path, system), Path("/var/lib/terraform")]


def user_configuration(environ: Mapping[str, str], home: Path) -> Path | None:
    """The user's own CLI configuration, if there is one: the variable may name a missing file."""
    named = environ.get("TF_CLI_CONFIG_FILE") or environ.get("TERRAFORM_CONFIG")
    default = (
        Path(environ.get("APPDATA", home)) / "terraform.rc"
        if sys.platform == "win32"
        else home / ".terraformrc"
    )
    path = Path(named).expanduser() if named else default
    return path if os.access(path, os.R_OK) else None


def settings(environ: Mapping[str, str], home: Path, directory: Path) -> dict[str, str]:
    """The environment variables that let Terraform find its provider.

    A user's own installation rules are left alone. Otherwise a provider found on the machine is
    used through a configuration written for it; without one, Terraform downloads it once.

    Args:
        environ: The environment Terraform will start from.
        home: The user's home.
        directory: Where the configuration is written.
    """
    config = user_configuration(environ, home)
    own = {"TF_CLI_CONFIG_FILE": str(config)} if config else {}
    if config and "provider_installation" in _read(config):
        return own
    provider = locked_provider()
    mirror = find_mirror(provider, machine(), likely_directories(environ, home), usual_roots(home))
    if mirror:
        path, text = directory / "terraform.rc", _configuration(mirror, provider)
        directory.mkdir(parents=True, exist_ok=True)
        if _read(path) != text:
            write_atomically(path, text)  # another command may read it meanwhile
        return {"TF_CLI_CONFIG_FILE": str(path)}
    if "TF_PLUGIN_CACHE_DIR" in environ or (config and "plugin_cache_dir" in _read(config)):
        return own
    CACHE.mkdir(parents=True, exist_ok=True)
    return own | {"TF_PLUGIN_CACHE_DIR": str(CACHE)}


def _configuration(mirror: Path, provider: Provider) -> str:
    return f"""\
# Written by the workshop: the provider was found on this machine, so nothing is downloaded.
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror.as_posix()}"
    include = ["{provider.address}"]
  }}
  direct {{
    exclude = ["{provider.address}"]
  }}
}}
"""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
