"""What the tests of the flow share: the local cloud's switches, and many requests at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud.control import Control


@pytest.fixture
def cloud(stack):
    """The local cloud's switches; whatever was set is cleared."""
    control = Control(stack.target.endpoint_url, timeout=120)
    yield control
    control.clear_faults()
    assert control.wait_idle(300)


@pytest.fixture
def at_once():
    """Run a function for every item, up to sixteen at once."""

    def run(function, items):
        with ThreadPoolExecutor(16) as threads:
            return list(threads.map(function, items))

    return run
