"""Every incident through its whole life: broken, seen, repaired with the real tools, and undone."""

import pytest
from typer.testing import CliRunner

from local_cloud.control import Control
from workshop.cli import app
from workshop.deployment.local import up
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.incidents import catalogue, repair, session
from workshop.incidents.session import Phase, Record
from workshop.orders import api_client
from workshop.progress import record as progress

pytestmark = pytest.mark.deployed

SEEDS = {catalogue.of_seed(seed).name: seed for seed in range(1, len(catalogue.titles()) + 1)}
NOT_IN_TERRAFORM = {"write_denied", "stock_invalid"}
"""What `make up` does not repair."""
LOST = {"rule_disabled", "pattern_narrowed", "reconciler_stopped", "undelivered_lost"}
"""Here the events are lost: there is no dead letter, so only the reconciler helps."""


@pytest.fixture(scope="module")
def consistent():
    """Make the cloud as consistent as that of a learner, and as before when the tests are over."""
    switched = []

    def switch(stack):
        control = Control(stack.target.endpoint_url)
        if control.eventually_consistent():
            control.set_eventually_consistent(on=False)
            switched.append(control)

    yield switch
    for control in switched:
        control.set_eventually_consistent(on=True)


@pytest.fixture
def desk(stack, placed, consistent, monkeypatch, tmp_path):
    """The stack, ready for an incident: an empty record of progress, and stock as before."""
    consistent(stack)
    monkeypatch.setattr(progress, "FILE", tmp_path / "progress.json")
    monkeypatch.setenv(CLOUD_VARIABLE, stack.target.name)
    stock = api_client.read_all_stock(stack)
    yield stack
    if record := session.load(stack.target.name):
        if record.is_active:
            session.give_up(stack, record)
        placed.update(record.orders)
        session.path(stack.target.name).unlink()
    api_client.set_stock(stack, stock)
    for sku in api_client.read_all_stock(stack).keys() - stock.keys():
        api_client.delete_stock_item(stack, sku)


def run(*words):
    """Run a command; return its exit code, and what it shows."""
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, f"{done.stdout}{done.exception if done.exit_code else ''}"


def values(stack, incident):
    return [change.setting.read(stack) for change in incident.changes]


def same(incident, some, others):
    return all(
        change.setting.same(*pair)
        for change, pair in zip(incident.changes, zip(some, others, strict=True), strict=True)
    )


def break_settings(stack, incident, before):
    for change, value in zip(incident.changes, before, strict=True):
        change.setting.write(stack, change.broken(value))


def remove_cause(stack, record):
    """Do what the third hint says; `make up` has a test of its own."""
    incident = record.incident
    if incident.name == "stock_invalid":
        (sku,) = incident.articles
        assert run("stock", f"{sku}=100")[0] == 0
        return
    for change, value in zip(incident.changes, record.before, strict=True):
        change.setting.write(stack, value)


def recover(stack, record):
    """Recover the orders as a learner does."""
    if record.incident.name in LOST:
        assert repair.dead_letters(stack) == []
        for order_id in session.load(stack.target.name).orders:
            assert run("reconcile", "--order", order_id)[0] == 0
        return
    run("redrive")
    if record.incident.published:
        remaining = [each for each in repair.dead_letters(stack) if each.order_id is None]
        assert {each.error for each in remaining} >= {"InvalidEventError"}
        for each in remaining:
            assert run("dlq", each.message_id, "--discard")[0] == 0


@pytest.mark.parametrize("name", SEEDS)
def test_an_incidents_whole_life(desk, name):
    """Started, seen, red until the cause is removed and the orders are recovered; then solved."""
    incident = catalogue.of_seed(SEEDS[name])
    before = values(desk, incident)
    code, output = run("incident", "--seed", str(SEEDS[name]))
    assert code == 0, output
    assert incident.symptom in output
    record = session.load(desk.target.name)
    assert all(each in output for each in record.orders)
    lasting = [change for change in incident.changes if change.lasts]
    assert same(incident, values(desk, incident), before) is not bool(lasting)

    code, output = run("incident", "check")
    assert code == 1
    count = len(record.orders)
    assert f"✗ Orders of the incident that are shipped: 0 of {count} (" in output
    assert ("left." in output) is (name not in LOST)
    assert output.count("✗ Not true") == sum(bool(each.promise) for each in incident.changes)
    new_order_ships = not any(change.lasts and not change.promise for change in incident.changes)
    assert ("✓ An order like theirs" in output) is new_order_ships

    remove_cause(desk, record)
    code, output = run("incident", "check")
    assert code == 1
    assert "✓ An order like theirs" in output
    assert "✗ Orders of the incident that are shipped: " in output
    assert "✗ Not true" not in output

    recover(desk, record)
    session.wait_until_idle(desk)
    code, output = run("incident", "check")
    assert code == 0, output
    assert not [line for line in output.splitlines() if line.startswith("✗")]
    assert incident.debrief in output
    assert progress.load().incidents == [name]
    assert same(incident, values(desk, incident), before)
    assert run("incident", "debrief") == (0, output[output.index(f"Incident {record.seed}:") :])


@pytest.mark.parametrize("name", SEEDS)
def test_giving_up_restores_every_setting(desk, name):
    incident = catalogue.of_seed(SEEDS[name])
    api_client.set_stock(desk, dict.fromkeys(incident.articles, 100))
    before = values(desk, incident)
    break_settings(desk, incident, before)
    assert not same(incident, values(desk, incident), before)
    session.give_up(desk, Record(SEEDS[name], Phase.OPEN, before))
    assert values(desk, incident) == before


@pytest.mark.parametrize("name", ["rule_disabled", "poison_message"])
def test_giving_up_recovers_the_orders(desk, name):
    """By the reconciler, and by a redrive beside a message that is deleted."""
    assert run("incident", "--seed", str(SEEDS[name]))[0] == 0
    assert run("incident", "check")[0] == 1
    code, output = run("incident", "give-up")
    assert code == 0, output
    assert catalogue.of_seed(SEEDS[name]).debrief in output
    record = session.load(desk.target.name)
    assert repair.left(desk, record.orders, record.dead_letters) == ({}, [])
    assert progress.load().incidents == []


def test_a_start_that_was_killed_can_be_undone(desk, monkeypatch):
    """Killed between the break and the first order: `give-up` restores, and nothing else starts."""
    before = values(desk, catalogue.of_seed(SEEDS["rule_disabled"]))

    def kill(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "_damage_orders", kill)
    CliRunner().invoke(app, ["incident", "--seed", str(SEEDS["rule_disabled"])])
    for words in ([], ["check"], ["hint"], ["--seed", str(SEEDS["rule_disabled"])]):
        code, output = run("incident", *words)
        assert code == 1
        assert "was interrupted" in output
        assert "incident ARGS=give-up" in output
    assert "is in progress" in run("incident", "--seed", "2")[1]
    assert run("incident", "give-up")[0] == 0
    assert values(desk, catalogue.of_seed(SEEDS["rule_disabled"])) == before


def test_make_up_removes_the_causes_that_terraform_knows(desk):
    """All at once; the two others stay."""
    incidents = [catalogue.of_seed(seed) for seed in SEEDS.values()]
    for incident in incidents:
        api_client.set_stock(desk, dict.fromkeys(incident.articles, 100))
    before = [values(desk, incident) for incident in incidents]
    lasting = [
        (incident.name, change, value)
        for incident, its in zip(incidents, before, strict=True)
        for change, value in zip(incident.changes, its, strict=True)
    ]
    try:
        for _, change, _ in lasting:
            change.setting.write(desk, change.broken(change.setting.read(desk)))
        session.require_terraform(desk)
        up.deploy(desk.stage, desk.target.name)
        broken = {
            name
            for name, change, value in lasting
            if not change.setting.same(change.setting.read(desk), value)
        }
        assert broken == NOT_IN_TERRAFORM
    finally:
        for _, change, value in lasting:
            if not change.setting.same(change.setting.read(desk), value):
                change.setting.write(desk, value)
