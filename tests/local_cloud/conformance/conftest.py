"""Two clouds for the conformance tests: the local cloud, and MiniStack without our patches.

A test whose mark states what MiniStack does instead runs on both, and must fail on the second.
When a newer MiniStack behaves as AWS does, the test passes there, which is reported as a failure:
the patch can be deleted.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_cloud.process import LocalCloud
from tests.local_cloud.cloud_builder import Lab

QUICK = 0.1
"""How many seconds AWS's minute lasts on these clouds."""

BARE_PATIENCE = 5.0
"""How many seconds a test waits on MiniStack alone, where it is expected to fail."""

LOCAL_CLOUD, MINISTACK = "local cloud", "MiniStack alone"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the local cloud; on MiniStack alone too, if its mark says that it differs."""
    if "lab" not in metafunc.fixturenames:
        return
    clouds = [pytest.param(LOCAL_CLOUD, id="local-cloud")]
    mark = next(metafunc.definition.iter_markers("behaviour"), None)
    if mark is not None and mark.args[0].ministack:
        fails = pytest.mark.xfail(strict=True, reason=mark.args[0].ministack)
        clouds.append(pytest.param(MINISTACK, id="ministack", marks=fails))
    metafunc.parametrize("lab", clouds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def start(
    tmp_path_factory: pytest.TempPathFactory,
    local_cloud_python: Path,
    free_port: Callable[[], int],
) -> Iterator[Callable[[str], Lab]]:
    """Start one of the two clouds, once."""
    started: dict[str, tuple[LocalCloud, Lab]] = {}

    def lab_of(name: str) -> Lab:
        if name not in started:
            cloud = LocalCloud(
                tmp_path_factory.mktemp("cloud"),
                local_cloud_python,
                seconds_per_minute=QUICK,
                bare=name == MINISTACK,
            )
            running = cloud.start(free_port())
            lab = Lab(running.endpoint_url, tmp_path_factory.mktemp("calls"), cloud.log)
            if name == MINISTACK:
                lab.patience = BARE_PATIENCE
            started[name] = (cloud, lab)
        return started[name][1]

    yield lab_of
    for cloud, _ in started.values():
        cloud.stop()


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, start: Callable[[str], Lab]) -> Lab:
    """A running cloud that tests share: use names of your own, and change nothing for others."""
    return start(request.param)
