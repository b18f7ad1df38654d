"""AWS accepts what Terraform would send, and two stacks share nothing."""

import json
from itertools import pairwise

import pytest

from devtools.security.api_constraints import REQUESTS, checked, constraints
from devtools.security.offline_plans import (
    REGIONS,
    SECOND_PREFIX,
    bootstrap_name,
    stack_name,
)
from devtools.security.plans import PREFIX
from devtools.security.resources import Resources
from devtools.security.service_authorization import authorization, reference
from workshop.paths import STAGES
from workshop.stages import stage_of

pytestmark = pytest.mark.security

ONLY_ON_AWS = {"aws_cloudwatch_metric_alarm", "aws_s3_bucket_policy"}
"""Types that the local cloud lacks: no test of a deployed stack sees them."""

KNOWN_BY_AN_ID = {
    "aws_apigatewayv2_integration",  # of an API, which AWS gives an id
    "aws_apigatewayv2_route",
    "aws_apigatewayv2_stage",
    "aws_iam_role_policy",  # of a role, whose name has the prefix
    "aws_s3_bucket_policy",  # of a bucket, to whose name AWS adds a random end
    "aws_s3_bucket_public_access_block",
    "aws_s3_object",
    "aws_sns_topic_subscription",  # of a topic, whose ARN is not known yet
}
"""Types that belong to another resource and have no name of their own."""


@pytest.fixture(scope="module")
def everything(planned, offline):
    """Return all plans, by name."""
    return {name: Resources(plan) for name, plan in (planned | offline).items()}


def test_every_policy_keeps_to_the_authorization_reference(everything):
    """Actions, resource types and condition keys exist and fit together."""
    known = reference()
    for name, plan in everything.items():
        assert [str(each) for each in authorization(plan, known)] == [], name


def test_every_known_policy_is_compared(everything):
    """A deployed stack knows all of its policies; a bootstrap does before it is applied."""
    for name in ("stack", "bootstrap", *map(bootstrap_name, REGIONS)):
        assert all(policy for _, policy in everything[name].policies), name


def test_every_request_keeps_the_constraints_of_its_api(everything):
    """Patterns, lengths, ranges and allowed values, by botocore's service models."""
    for name, plan in everything.items():
        assert [str(each) for each in constraints(plan, from_state=name == "stack")] == [], name


def test_every_type_of_resource_is_compared(everything):
    """Each type has a request with at least one of its attributes."""
    kinds = {}
    for plan in everything.values():
        for each in plan.all:
            kinds[each.type] = max(checked(each), kinds.get(each.type, 0))
    assert min(kinds.values()) > 0
    assert set(REQUESTS) == set(kinds), "not needed any more, or missing"


@pytest.mark.parametrize("region", REGIONS)
def test_plan_for_aws_grows_with_each_stage(everything, region):
    """In both regions, with the types that only AWS has; budget and alarms from stage 5 on."""
    stages = [everything[stack_name(region, stage)] for stage in STAGES]
    addresses = [set(below_the_stack(plan)) for plan in stages]
    for before, after in pairwise(addresses):
        assert before < after
    for stage, plan in zip(STAGES, stages, strict=True):
        alarms = plan.of("aws_cloudwatch_metric_alarm", "aws_budgets_budget")
        assert bool(alarms) == (stage >= stage_of("redrive")), stage
    kinds = {each.type for each in stages[-1].all}
    assert kinds > ONLY_ON_AWS


def test_function_is_created_after_its_roles_policy(offline):
    """Lambda checks the role at once. A destroy removes the policy last."""
    stack = offline[stack_name(REGIONS[0], STAGES[-1])]["configuration"]["root_module"]
    functions = [each for each in written(stack) if each["type"] == "aws_lambda_function"]
    assert len(functions) >= 8
    assert {tuple(each["depends_on"]) for each in functions} == {("aws_iam_role_policy.this",)}


def written(module):
    """Yield every resource in the configuration of a module and of those that it calls."""
    yield from module.get("resources", ())
    for call in module.get("module_calls", {}).values():
        yield from written(call["module"])


def test_two_stacks_of_one_account_share_no_name(everything):
    """Each resource has another name, unless it belongs to one that has."""
    first, second = side_by_side(everything)
    assert first.keys() == second.keys()
    alike = {
        resource.type
        for address, resource in first.items()
        if names_of(resource) == names_of(second[address])
    }
    assert alike <= KNOWN_BY_AN_ID


def test_two_stacks_of_one_account_share_no_metric(everything):
    """An alarm of one never reads the other's metrics: namespace and dimensions differ."""
    first, second = map(watched, side_by_side(everything))
    assert len(first) == len(second) > 50
    assert not first & second


def test_alarms_read_the_namespace_of_the_functions_metrics(everything):
    """Functions and alarms use the stack's prefix as the namespace."""
    for prefix, stack in zip((PREFIX, SECOND_PREFIX), side_by_side(everything), strict=True):
        settings = [
            each.nested("environment").get("variables", {})  # unknown where a queue's URL is in it
            for each in stack.values()
            if each.type == "aws_lambda_function"
        ]
        assert {each["POWERTOOLS_METRICS_NAMESPACE"] for each in settings if each} == {prefix}
        own = {space for space, *_ in watched(stack) if not space.startswith("AWS/")}
        assert own == {prefix}


def side_by_side(everything):
    """Return the resources of two stacks in one region, by their addresses in the stack."""
    names = (stack_name(REGIONS[0], STAGES[-1], prefix) for prefix in (PREFIX, SECOND_PREFIX))
    return [below_the_stack(everything[name]) for name in names]


def below_the_stack(plan):
    """Return a stack's resources by their addresses without the stack's module."""
    return {each.address.split(".", 2)[2]: each for each in plan.all}


def names_of(resource):
    """Return a resource's names, as far as they are known."""
    return {
        attribute: value
        for attribute, value in resource.values.items()
        if attribute in {"function_name", "alarm_name", "dashboard_name", "bucket_prefix"}
        or attribute in {"name", "rule", "role"}
    }


def watched(stack):
    """Return the metrics of a stack's alarms."""
    return {
        (
            each.values["namespace"],
            each.values["metric_name"],
            json.dumps(each.values["dimensions"], sort_keys=True),
        )
        for each in stack.values()
        if each.type == "aws_cloudwatch_metric_alarm"
    }
