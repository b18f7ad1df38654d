"""A bad version is live for a moment: the smoke test takes it back, or one command does."""

import base64
import hashlib
import io
import os
import subprocess
import sys
import zipfile

import pytest

from tests.fixtures.deployed import eventually
from workshop.deployment.release import propagation, release
from workshop.journeys import order_rows
from workshop.orders import api_client, smoke
from workshop.orders.cleanup import orders_of
from workshop.paths import BUNDLES, ROOT

pytestmark = pytest.mark.deployed

KEY = "shipping"
BAD = 'def handle(event, context):\n    raise RuntimeError("a bad version")\n'


@pytest.fixture
def bad_version(stack):
    """Deploy code that fails to one function, live for nobody yet; the good code afterwards."""
    client, name = stack.client("lambda"), stack.outputs.function_names[KEY]
    module, _, function = client.get_function_configuration(FunctionName=name)[
        "Handler"
    ].rpartition(".")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{module.replace('.', '/')}.py", BAD.replace("handle(", f"{function}("))

    def deploy(code):
        client.update_function_code(FunctionName=name, ZipFile=code)
        wanted = base64.b64encode(hashlib.sha256(code).digest()).decode()
        eventually(
            lambda: client.get_function_configuration(FunctionName=name)["CodeSha256"] == wanted
        )

    deliver(stack)
    deploy(content.getvalue())
    yield
    deploy((BUNDLES / "shipping_service.zip").read_bytes())
    deliver(stack)


@pytest.fixture
def nothing_left(stack, recovery):
    """No smoke test's order stays; the stock is as before."""
    before = api_client.read_all_stock(stack)
    yield
    recovery.redrive()
    recovery.settled()
    api_client.set_stock(stack, {smoke.SKU: 1})
    run("smoke", stack)
    assert orders_of(stack, smoke.CUSTOMER) == []
    api_client.delete_stock_item(stack, smoke.SKU)
    api_client.set_stock(stack, before)


def run(command, stack):
    return subprocess.run(
        [sys.executable, "-m", "workshop", command],
        cwd=ROOT,
        env=os.environ | {"WORKSHOP_CLOUD": stack.target.name},
        capture_output=True,
        text=True,
        check=False,
    )


def deliver(stack):
    """Release as `make up` does: nobody asks for a proof."""
    release.accept(stack, release.release(stack))
    propagation.wait(stack)


def live_version(stack):
    return release.versions(stack)[KEY].version


def test_a_bad_release_takes_itself_back(
    stack, nothing_left, bad_version, order, final_status, stocked
):
    before = live_version(stack)
    done = run("release", stack)
    assert done.returncode == 1, done.stdout
    assert f"The release was taken back: {KEY} " in done.stderr, done.stderr
    assert live_version(stack) == before
    stocked("MOUSE", 10)
    assert final_status(order()) == "SHIPMENT_PREPARED"


def test_a_rollback_brings_the_good_version_back(
    stack, recovery, bad_version, order, final_status, stocked
):
    """What failed meanwhile waits in its queue, and is redriven."""
    before = live_version(stack)
    deliver(stack)
    stocked("MOUSE", 10)
    order_id = order()
    recovery.dead_lettered(order_id)
    done = run("rollback", stack)
    assert done.returncode == 0, done.stderr
    assert f"{KEY}" in done.stdout, done.stdout
    assert live_version(stack) == before
    recovery.redrive(order_id=order_id)
    assert final_status(order_id) == "SHIPMENT_PREPARED"


def test_the_smoke_test_leaves_nothing(stack):
    """Neither rows nor changed stock, even where there was no stock item."""
    api_client.delete_stock_item(stack, smoke.SKU)
    before = api_client.read_all_stock(stack)
    done = run("smoke", stack)
    assert done.returncode == 0, done.stderr
    assert "It is SHIPMENT_PREPARED after" in done.stderr
    assert api_client.read_all_stock(stack) == before
    assert order_rows.statuses(stack, orders_of(stack, smoke.CUSTOMER)) == {}
