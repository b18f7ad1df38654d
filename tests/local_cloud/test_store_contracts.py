"""What the stages' tests claim of each store, in memory and on moto, holds on the local cloud."""

import re
import subprocess
import sys

import pytest

from local_cloud.process import LocalCloud
from tests.fixtures import store_contracts
from tests.fixtures.store_contracts import CONTRACTS
from tests.fixtures.stores_on_a_cloud import ENDPOINT
from workshop.paths import ROOT

pytestmark = pytest.mark.deployed


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, local_cloud_python, free_port):
    """A cloud of its own: the stores' tests use the tables' own names, and delete them."""
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), local_cloud_python)
    yield cloud.start(free_port()).endpoint_url
    cloud.stop()


def test_every_store_keeps_its_contract_on_the_local_cloud(endpoint):
    store_contracts.check("tests.fixtures.stores_on_a_cloud", **{ENDPOINT: endpoint})


def test_every_store_has_its_contract_in_memory_and_on_dynamodb():
    """The stages' tests run with both; see the fixtures in each stage's conftest."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
    listed = subprocess.run(
        [*command, *CONTRACTS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for contract in CONTRACTS:
        kinds = re.findall(rf"{contract}::\w+\[.*?(memory|dynamodb)", listed)
        assert set(kinds) == {"memory", "dynamodb"}, contract
