"""The check of exercise 06.3 accepts no half solution, and says what is missing."""

import pytest

from tests.fixtures.exercise_checks import checked
from workshop.exercises import session
from workshop.exercises.catalogue import find

EXERCISE = find("06.3")
UPCAST = "orderflow/upcast.py"
SERVICE = "04-shipping/shipping_service/service.py"
CONTRACT = "orderflow/contracts/ShipmentPrepared"


@pytest.fixture(scope="module")
def root(copy):
    """The copy of the repository with the solution in place."""
    session.start(EXERCISE, root=copy)
    session.solve(EXERCISE, colour=False, root=copy)
    return copy


@pytest.fixture
def check_with(root):
    """Run the check with a text of a file replaced; the solution is back afterwards."""
    kept = {}

    def run(name, old, new):
        path = root / name
        kept[path] = path.read_text("utf-8")
        assert kept[path].count(old) == 1
        path.write_text(kept[path].replace(old, new), "utf-8")
        return checked(root, EXERCISE.check)

    yield run
    for path, text in kept.items():
        path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            UPCAST,
            '    ("ShipmentPrepared", 1): _name_the_service,\n',
            "",
            "A consumer reads version 1 as version 1",
        ),
        (
            UPCAST,
            'return data | {"shipment": data["shipment"] | {"service": FIRST_SERVICE}}',
            'return data["shipment"].update(service=FIRST_SERVICE) or data',
            "The upcast changed the event that came",
        ),
        (SERVICE, '"service": service,', '"service": "STANDARD",', "A shipment to US"),
        (
            f"{CONTRACT}/v2.schema.json",
            '            "prepared_at",\n            "service"\n',
            '            "prepared_at"\n',
            "An event of version 2 without a service is accepted",
        ),
        (
            f"{CONTRACT}/v2.example.json",
            '"schema_version": 2',
            '"schema_version": 1',
            "The example is of version 1",
        ),
    ],
    ids=["no upcast", "changed input", "fixed service", "optional", "old example"],
)
def test_check_names_what_a_solution_lacks(check_with, name, old, new, says):
    failed, output = check_with(name, old, new)
    assert (failed, says in output) == (1, True), output


def test_consumers_can_be_released_before_the_producer(root, check_with):
    """With the old producer, its two checks fail and no others: it still sends version 1."""
    committed = session.git.run(root, "show", f"HEAD:{SERVICE}")
    solved = (root / SERVICE).read_text("utf-8")
    failed, output = check_with(SERVICE, solved, committed)
    assert failed == 2, output
    assert "Shipping sends version 1." in output, output
