"""A cloud for the tests of the local cloud, on a port of its own."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_cloud.process import LocalCloud
from tests.local_cloud.cloud_builder import Lab
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, ROOT, python_of

QUICK = 0.1
"""Seconds that AWS's minute lasts here."""

PATIENCE = 20.0
"""Seconds after which the gate gives way: too long for a test that needs it to pass."""

LEARNERS_SHELL = {
    "AWS_PROFILE": "customer-production",
    "AWS_ENDPOINT_URL": "https://example.com",
    "PYTHONPATH": str(ROOT),
    "SHOP_API_KEY": "secret",
}
"""Variables in the environment of the process that starts the cloud."""


@pytest.fixture(scope="session")
def local_cloud_python() -> Path:
    """The interpreter that holds MiniStack, boto3 and nothing else."""
    python = python_of(LOCAL_CLOUD_ENVIRONMENT)
    if not python.exists():
        pytest.fail(f"There is no {python}: run `python -m workshop setup` first.")
    return python


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def lab(
    tmp_path_factory: pytest.TempPathFactory,
    local_cloud_python: Path,
    free_port: Callable[[], int],
) -> Iterator[Lab]:
    """A running cloud, shared by all tests: use your own names, and inject no faults."""
    directory = tmp_path_factory.mktemp("cloud")
    cloud = LocalCloud(directory, local_cloud_python, seconds_per_minute=QUICK, patience=PATIENCE)
    with pytest.MonkeyPatch.context() as shell:
        for name, value in LEARNERS_SHELL.items():
            shell.setenv(name, value)
        running = cloud.start(free_port())
    try:
        yield Lab(running.endpoint_url, tmp_path_factory.mktemp("calls"), cloud.log)
    finally:
        cloud.stop()


@pytest.fixture
def calm(lab: Lab) -> Iterator[Lab]:
    """The shared cloud; afterwards without injected faults and with no event under way."""
    yield lab
    lab.control.clear_faults()
    lab.settle()
