"""Faults on the wire: every function, every AWS call, every kind of fault; the books balance."""

import json
from collections import Counter, defaultdict

import pytest

from tests.wire.faults import ON_COMMAND, ONCE, OUTAGE, REPLY_LOST
from workshop.orders.ledger import entry
from workshop.stages import flow

pytestmark = pytest.mark.deployed

WRITES = {"PutItem", "UpdateItem", "TransactWriteItems"}


def test_every_function_has_cells(outcome):
    """The recorded run uses all functions of the flow."""
    assert {each.call.function for each in outcome.cells} == set(flow().functions)


def test_every_call_that_a_function_makes_has_cells(outcome):
    """Under faults, functions make no call that they did not make in the recorded run."""
    made = {(each.function, each.operation) for each in outcome.requests}
    assert made == {(each.call.function, each.call.operation) for each in outcome.cells}


def test_every_fault_hits_the_call_it_is_aimed_at(outcome):
    """Each fault is injected, and nowhere else: once, or at each attempt of the same call."""
    hits = outcome.hits
    assert [str(each) for each in outcome.cells if not hits[each]] == []
    for cell, made in hits.items():
        assert {(each.function, each.operation) for each in made} == {
            (cell.call.function, cell.call.operation)
        }
        if cell.reach != OUTAGE:
            assert [each.attempt for each in made] == list(range(1, len(made) + 1)), str(cell)
        assert cell.reach != ONCE or len(made) == 1, str(cell)


def test_only_a_lost_reply_comes_after_the_commit(outcome):
    """The local cloud has answered a request with a lost reply, and has not seen the others."""
    for cell, made in outcome.hits.items():
        reached = {each.status is not None for each in made}
        assert reached == {cell.kind == REPLY_LOST}, str(cell)


@pytest.mark.parametrize("function", sorted(flow().functions))
def test_the_books_balance_after_each_fault(function, outcome):
    """The order ends where it must; it is charged, refunded, reserved and shipped at most once."""
    problems = {
        str(trial.cell): _problem(trial.ending, outcome.rows[trial.order_id])
        for trial in outcome.trials
        if trial.cell and trial.cell.call.function == function
    }
    assert {cell: problem for cell, problem in problems.items() if problem} == {}


def _problem(ending, rows):
    """What is wrong with an order's rows in the end; empty if nothing is."""
    if "orders" not in rows:
        return "there is no such order"
    found, total = entry(rows), rows["orders"]["total"]
    refunded = total if ending == "REFUNDED" else 0
    if rows["orders"]["status"] != ending:
        return f"it is {rows['orders']['status']}, not {ending}"
    if not found.is_balanced or (found.charged, found.refunded) != (total, refunded):
        return f"its books do not balance: {found}"
    return ""


def test_the_flow_repairs_what_an_outage_does_not_outlast(outcome):
    """Retries are enough, unless the outage outlasts them: then the redrive is, for consumers."""
    wrong = {}
    for trial in outcome.trials:
        if trial.cell and trial.cell.call.function not in ON_COMMAND:
            enough = {"a retry"}
            if trial.cell.reach == OUTAGE:
                at_the_api = trial.cell.call.function == "order-api"
                enough |= {"the reconciler", "the customer"} if at_the_api else {"the redrive"}
            if trial.recovered_by not in enough:
                wrong[str(trial.cell)] = trial.recovered_by
    assert wrong == {}


def test_stock_is_taken_once_for_each_shipped_order(outcome):
    """What is gone from the stock is what the customers got, unit by unit."""
    shipped = Counter()
    for rows in outcome.rows.values():
        shipped.update(entry(rows).units)
    assert outcome.taken == shipped["WEBCAM"] > 0


def test_an_event_is_published_after_and_as_its_row_was_written(outcome):
    """Before an event goes out, its text has been stored by a write that took effect."""
    stored, wrong = defaultdict(list), []
    for made in outcome.requests:
        if made.operation in WRITES and made.status == 200:
            stored[made.subject].append(made.body)
        for text in _events(made):
            metadata = json.loads(text)["metadata"]
            order, in_a_row = metadata["correlation_id"], json.dumps(text)[1:-1]
            if order in outcome.rows and not any(in_a_row in each for each in stored[order]):
                wrong.append(metadata["event_id"])
    assert wrong == []


def _events(made):
    if made.operation != "PutEvents":
        return []
    return [each["Detail"] for each in json.loads(made.body)["Entries"]]


def test_no_dead_letter_is_left(outcome):
    """In the end every queue is empty."""
    assert outcome.dead_letters == []
