"""What must hold at the end of exercise 05.4; the commands of the entry run on the stack."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command_lines import aws_problem, commands, problem
from tests.fixtures.deployed import new_id
from tests.fixtures.events import example, of_skus
from workshop.orders import api_client
from workshop.paths import ROOT

pytestmark = pytest.mark.deployed

ENTRY = Path(__file__).with_name("runbook.md")
ALARM = "orderflow-inventory-failed-waiting"
MEANING, SEE, ACTION, OVER = PARTS = (
    "What it means to a customer",
    "How to see it",
    "First action",
    "How to know that it is over",
)
MAY_RUN = ("dlq", "follow", "logs", "redrive", "reconcile", "status", "stock")
NEVER = {"--discard", "--follow", "-f"}
"""Options that the check refuses: one deletes a message, the other one never ends."""
SECONDS = 300


def entry():
    """Return the text of each part of the entry; fail if a heading is missing."""
    if not ENTRY.exists():
        pytest.fail('There is no runbook.md: make exercise ARGS="05.4 start"', pytrace=False)
    title, *parts = re.split(r"^## ", ENTRY.read_text("utf-8"), flags=re.MULTILINE)
    assert f"# {ALARM}" in title.splitlines(), f"The entry's title must be: # {ALARM}"
    found = {part.partition("\n")[0].strip(): part.partition("\n")[2] for part in parts}
    assert tuple(found) == PARTS, f"The parts must be, in this order: {', '.join(PARTS)}."
    return found


def lines(text):
    """Return the commands in the blocks of a part."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in found if line and not line.startswith("#")]


def named(text):
    """Return the commands of a part, also those between backticks in its sentences."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return lines(text) + re.findall(r"`((?:make|aws) [^`]+)`", prose)


def test_entry_has_its_four_parts():
    """The entry has its four parts, and each has something to say"""
    parts = entry()
    meaning = parts[MEANING].strip(" \n…")
    assert len(meaning) > 30, f'"{MEANING}" is empty.'
    for name in (SEE, ACTION, OVER):
        assert lines(parts[name]), f'"{name}" has no commands in a block that begins with ```sh.'


def test_every_command_exists():
    """Every command exists, with its options"""
    wrong = []
    for line in (line for text in entry().values() for line in named(text)):
        if line.startswith("aws "):
            why = aws_problem(line)
        else:
            why = "; ".join(filter(None, (problem(*each) for each in commands(line))))
        if why:
            wrong.append(f"{line}: {why}")
    assert not wrong, "\n".join(wrong)


def test_every_name_exists(stack):
    """Every alarm, queue, function and table in the entry exists"""
    written = set(re.findall(r"\borderflow-[a-z0-9-]*[a-z0-9]", ENTRY.read_text("utf-8")))
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    outputs = stack.outputs
    urls = [url for both in outputs.dead_letter_queue_urls.values() for url in both.values()]
    known = {
        *pages.search("MetricAlarms[].AlarmName"),
        *(url.rpartition("/")[2] for url in urls),
        *outputs.function_names.values(),
        *outputs.table_names.values(),
        outputs.event_bus_name,
    }
    unknown = sorted(written - known)
    assert not unknown, f"The stack has nothing with the name {', '.join(unknown)}."


class Incident:
    """An order that waits because its article has no stock item."""

    def __init__(self, order_id, sku):
        self.order_id = order_id
        self.sku = sku

    def run(self, part):
        """Run the commands of a part, one after the other; return exit codes and outputs."""
        return [self._run(line) for line in lines(entry()[part]) if not line.startswith("aws ")]

    def _run(self, line):
        line = line.replace("ORDER_ID", self.order_id)
        line = re.sub(r"\bSKU\b", self.sku, line)
        found = list(commands(line))
        whole = re.fullmatch(r"make [a-z-]+( [A-Z]+=(\"[^\"$`]*\"|[^\s\"$`]+))*", line)
        if len(found) != 1 or not whole or found[0][0] not in MAY_RUN:
            pytest.fail(
                f"The check does not run this: {line}\nIt runs one command in a line, and only "
                f"make {', make '.join(MAY_RUN)}.",
                pytrace=False,
            )
        ((command, values, words),) = found
        if refused := NEVER & {*words}:
            pytest.fail(f"The check does not run {refused.pop()}: {line}", pytrace=False)
        order = [values["ORDER"]] if "ORDER" in values else []
        done = subprocess.run(
            [sys.executable, "-m", "workshop", command, *order, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return line, done.returncode, done.stdout + done.stderr


@pytest.fixture
def incident(stack, put_event, recovery, delete_after_test):
    """A new order, in the state in which the alarm rings."""
    if not all(lines(entry()[part]) for part in (SEE, ACTION, OVER)):
        pytest.fail("A part has no commands yet, so nobody can follow the entry.", pytrace=False)
    sku = new_id("SKU")
    made = Incident(delete_after_test(new_id("order")), sku)
    put_event(of_skus(example("OrderCreated", order_id=made.order_id), {sku: 1}))
    recovery.dead_lettered(made.order_id)
    yield made
    api_client.set_stock(stack, {sku: 1})  # whatever the entry has done, no message stays
    recovery.redrive(order_id=made.order_id)
    recovery.settled()
    api_client.delete_stock_item(stack, sku)


def test_entry_ends_the_incident(incident, recovery, final_status, stack):
    """Its commands show the incident, end it, and show that it is over"""
    shown = "".join(output for _, _, output in incident.run(SEE))
    assert incident.order_id in shown, f'The commands of "{SEE}" do not show which order waits.'
    assert incident.sku in shown, f'The commands of "{SEE}" do not show the reason.'
    done = incident.run(ACTION)
    recovery.settled()
    if recovery.dead_letters(incident.order_id):
        outputs = "".join(f"\n{line}\n{output}" for line, _, output in done)
        pytest.fail(f"The message of the order still waits after: {outputs}", pytrace=False)
    status = final_status(incident.order_id)
    assert status == "SHIPMENT_PREPARED", f"No message waits, but the order is {status}."
    over = incident.run(OVER)
    failed = [line for line, code, _ in over if code]
    assert not failed, f"The incident is over, but this command fails: {failed[0]}"
    shown = "".join(output for _, _, output in over)
    assert incident.order_id in shown, f'The commands of "{OVER}" do not show the order.'
