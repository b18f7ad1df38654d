"""Stage 6 as a learner sees it: every caller invokes the live version of a function."""

import json
import re

import pytest

from tests.fixtures import ledger
from tests.fixtures.deployed import eventually
from workshop.journeys import logs

pytestmark = pytest.mark.deployed

LIVE = "live"

ON_THE_WAY = {"order-api", "order-tracker", "payment", "inventory", "shipping"}
"""The functions that run for an order that is paid and in stock."""


@pytest.fixture
def live(stack):
    """Return the live alias of every function, by key."""
    client, names = stack.client("lambda"), stack.outputs.function_names
    return {
        key: client.get_alias(FunctionName=name, Name=stack.outputs.live_alias)
        for key, name in names.items()
    }


def test_every_function_has_a_live_version(stack, live):
    """The version is published and can run."""
    assert stack.outputs.live_alias == LIVE
    for key, alias in live.items():
        assert alias["AliasArn"].endswith(f":{stack.invokable(key)}"), key
        assert alias["FunctionVersion"].isdecimal(), f"no version of {key} was released"
        settings = stack.client("lambda").get_function_configuration(
            FunctionName=stack.outputs.function_names[key], Qualifier=LIVE
        )
        assert settings["Version"] == alias["FunctionVersion"], key
        assert settings["State"] in {"Active", "Inactive"}, key


def test_every_rule_invokes_the_alias(stack, live):
    """The alias is its only target, and has a permission for this rule."""
    events, bus = stack.client("events"), stack.outputs.event_bus_name
    for key in stack.outputs.dead_letter_queue_urls:
        rule = {"Rule": stack.outputs.function_names[key], "EventBusName": bus}
        (target,) = events.list_targets_by_rule(**rule)["Targets"]
        assert target["Arn"] == live[key]["AliasArn"]
        assert "DeadLetterConfig" in target, "the rule lost its queue of undelivered events"
        found = events.describe_rule(Name=rule["Rule"], EventBusName=bus)
        assert _sources(stack, key, "events.amazonaws.com") == [found["Arn"]]


def test_api_invokes_the_alias(stack, live):
    """All routes have this integration, and the alias has a permission for this API."""
    client = stack.client("apigatewayv2")
    (source,) = _sources(stack, "order-api", "apigateway.amazonaws.com")
    api = source.split(":")[5].partition("/")[0]
    (integration,) = client.get_integrations(ApiId=api)["Items"]
    assert live["order-api"]["AliasArn"] in integration["IntegrationUri"]
    routes = client.get_routes(ApiId=api)["Items"]
    assert {route["Target"] for route in routes} == {f"integrations/{integration['IntegrationId']}"}


def test_schedule_invokes_the_alias(stack, live):
    """The reconciler's schedule; its role may invoke the alias only."""
    name = stack.outputs.function_names["reconciler"]
    target = stack.client("scheduler").get_schedule(Name=name)["Target"]
    assert target["Arn"] == live["reconciler"]["AliasArn"]
    iam, role = stack.client("iam"), target["RoleArn"].rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    (statement,) = document["Statement"]
    assert statement["Resource"] == [live["reconciler"]["AliasArn"]]


def test_alias_has_the_retries_and_queue_of_its_function(stack):
    """An alias has its own settings, with the same values as the function's."""
    client, names = stack.client("lambda"), stack.outputs.function_names
    for key in (*stack.outputs.dead_letter_queue_urls, "reconciler"):
        own = client.get_function_event_invoke_config(FunctionName=names[key])
        lives = client.get_function_event_invoke_config(FunctionName=names[key], Qualifier=LIVE)
        for setting in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"):
            assert lives[setting] == own[setting], key
        if key in stack.outputs.dead_letter_queue_urls:
            kept = lives["DestinationConfig"]["OnFailure"]
            assert kept["Destination"].endswith(f":{names[key]}-failed"), key


def test_redrive_of_an_aliass_dead_letter_completes_the_order(
    stack, order, final_status, stocked, recovery, gateway
):
    """The gateway is down, then up. The redrive reads the dead letter and invokes the alias."""
    stocked("MOUSE", 10)
    gateway(up=False)
    order_id = order()
    (dead_letter,) = recovery.dead_lettered(order_id)
    assert (dead_letter["consumer"], dead_letter["error"]) == ("payment", "GatewayUnavailableError")
    gateway(up=True)
    assert recovery.redrive(order_id=order_id)["redriven"] >= 1
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    ledger.check(stack, order_id)


def test_order_ships_through_the_live_versions(stack, live, order, final_status, stocked):
    """Every function ran the version that its alias points to."""
    stocked("MOUSE", 100)
    order_id = order()
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    eventually(lambda: _versions(stack, order_id).keys() >= ON_THE_WAY)
    ran = _versions(stack, order_id)
    assert ran == {key: {live[key]["FunctionVersion"]} for key in ran}
    assert {hop.function for hop in logs.hops(stack, order_id)} == ON_THE_WAY
    ledger.check(stack, order_id)


def _sources(stack, key, service):
    """Return the ARNs of rules or APIs of a service that an alias' own policy allows."""
    found = stack.client("lambda").get_policy(
        FunctionName=stack.outputs.function_names[key], Qualifier=LIVE
    )
    return [
        statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        for statement in json.loads(found["Policy"])["Statement"]
        if statement["Principal"] == {"Service": service}
    ]


def _versions(stack, order_id):
    """Return by function the versions that logged about an order; a stream's name has it."""
    found = {}
    pages = stack.client("logs").get_paginator("filter_log_events")
    for key, name in stack.outputs.function_names.items():
        wanted = {"logGroupName": f"/aws/lambda/{name}", "filterPattern": f'"{order_id}"'}
        for page in pages.paginate(**wanted):
            for event in page["events"]:
                version = re.search(r"\[(.+)\]", event["logStreamName"])
                found.setdefault(key, set()).add(version[1])
    return found
