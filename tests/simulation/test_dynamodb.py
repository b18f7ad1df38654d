"""What the stages' tests claim of each store holds in the simulation, too."""

from tests.fixtures import store_contracts


def test_every_store_keeps_its_contract_in_the_simulation():
    store_contracts.check("tests.fixtures.stores_in_simulation")
