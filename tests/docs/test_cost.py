"""The model of costs: what it assumes is what Terraform and the code say."""

import re

import pytest

from devtools.scaling import cost, order, tables
from devtools.scaling.data import read
from workshop.deployment.aws import plan_report
from workshop.paths import ROOT


def only_match(path, pattern):
    """The only match of a pattern's group in a file."""
    (found,) = set(re.findall(pattern, (ROOT / path).read_text("utf-8")))
    return found


def test_memory_and_metrics_of_the_model_are_those_of_the_code():
    module = "terraform/modules/event-function/variables.tf"
    memory = only_match(module, r'variable "memory_mb" \{[^}]*default\s*= (\d+)')
    assert order.assumed("memory_gb") == int(memory) / 1024
    names = only_match("05-errors-dlq/recovery/reconcile/app.py", r"REPORTED = \((.*)\)")
    assert order.assumed("metrics_of_reconciler") == 1 + len(names.split(","))


def test_the_largest_order_of_the_model_is_the_largest_the_api_accepts():
    most = only_match("01-order-service/order_service/request.schema.json", r'"maxItems": (\d+)')
    assert int(most) == tables.MOST_LINES


def test_every_price_names_its_page():
    prices = {name: one for name, one in read("prices").items() if isinstance(one, dict)}
    assert [name for name, one in prices.items() if not one["source"].startswith("https://")] == []


def test_a_plan_states_the_costs_of_the_model():
    """What a person reads before they confirm a deployment, in round figures."""
    (alarms,) = re.findall(r"about (\d+) USD", plan_report.ALARMS)
    assert int(alarms) == round(cost.alarms_a_month())
    (orders,) = re.findall(r"about (\d+) USD per million orders", plan_report.COST)
    assert int(orders) == pytest.approx(cost.a_million(order.usual()), rel=0.1)
