"""The proof that a destroyed stack left nothing."""

import re
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from workshop.deployment.aws import teardown_check
from workshop.deployment.terraform.runner import REPOSITORY

GOES_WITH = {
    # what is listed → the kinds of resources that are gone when it lists nothing
    "get_apis": "apigatewayv2_api apigatewayv2_integration apigatewayv2_route apigatewayv2_stage",
    "describe_budgets": "budgets_budget",
    "describe_alarms": "cloudwatch_metric_alarm",
    "list_dashboards": "cloudwatch_dashboard",
    "list_tables": "dynamodb_table",
    "list_archives": "cloudwatch_event_archive",
    "list_event_buses": "cloudwatch_event_bus cloudwatch_event_rule cloudwatch_event_target",
    "list_roles": "iam_role iam_role_policy",
    "list_event_source_mappings": "lambda_event_source_mapping",
    "list_functions": "lambda_function lambda_alias lambda_permission "
    "lambda_function_event_invoke_config",
    "describe_log_groups": "cloudwatch_log_group",
    "list_buckets": "s3_bucket s3_bucket_policy s3_bucket_public_access_block s3_object",
    "list_schedules": "scheduler_schedule",
    "list_topics": "sns_topic sns_topic_policy sns_topic_subscription",
    "list_queues": "sqs_queue sqs_queue_policy",
}


def test_every_kind_of_resource_there_is_would_be_found():
    """A kind that a stage adds has to be looked for, too."""
    stack = [path for path in REPOSITORY.files() if "06-cicd" not in path.parts]
    text = "".join(path.read_text("utf-8") for path in stack if path.suffix == ".tf")
    kinds = set(re.findall(r'^resource "aws_(\w+)"', text, re.MULTILINE))
    assert kinds <= set(" ".join(GOES_WITH.values()).split())
    assert {operation for _, operation, *_ in teardown_check.LISTS} == set(GOES_WITH)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("orderflow-payment", True),
        ("/aws/lambda/orderflow-payment", True),
        ("https://sqs.us-east-1.amazonaws.com/123456789012/orderflow-payment-dlq", True),
        ("arn:aws:sns:us-east-1:123456789012:orderflow-alarms", True),
        ("orderflow", True),  # the dashboard
        ("orderflows", False),
        ("other-orderflow-payment", False),
        ("/orderflow-x/other", False),
        ("orderflow-dev-payment", False),  # of the stack orderflow-dev
        ("tfstate-orderflow-1-r", False),  # the bootstrap's
        ("github-orderflow-deploy", False),
    ],
)
def test_leftover_belongs_to_a_stack_by_its_name(name, ours):
    assert teardown_check.belongs_to_stack(name, "orderflow", {"orderflow-dev"}) is ours


class Account:
    """An account in which any list may name something of the stack, and closed services none."""

    account = "123456789012"

    def __init__(self, *, left=(), tagged=(), stacks=(), closed=()):
        self.left = left
        self.tagged = list(tagged)
        self.stacks = stacks
        self.closed = closed

    def client(self, service):
        return Service(self, service)


class Service:
    """One service of it."""

    def __init__(self, account, service):
        self.account = account
        self.service = service

    def can_paginate(self, operation):
        return operation == "get_resources"

    def get_paginator(self, operation):
        assert operation == "get_resources"
        return self

    def paginate(self, TagFilters):  # noqa: N803 - AWS's own name
        self._open()
        if "Values" not in TagFilters[0]:
            found = {f"arn:aws:sqs:r:1:{stack}-x": stack for stack in self.account.stacks}
        else:
            now = self.account.tagged.pop(0) if self.account.tagged else []
            found = dict.fromkeys(now, "orderflow")
        return [
            {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": [self._tag(stack)]}]}
            for arn, stack in found.items()
        ]

    def __getattr__(self, operation):
        [entry] = [each for each in teardown_check.LISTS if each[:2] == (self.service, operation)]
        _, _, key, name = entry

        def answer(**whose):
            self._open()
            assert whose == ({"AccountId": "123456789012"} if self.service == "budgets" else {})
            ours = self.account.left in {"all", self.service}
            names = ["orderflow-left", "other"] if ours else ["other"]
            return {key: [{name: each} for each in names] if name else names}

        return answer

    def _open(self):
        if self.service in self.account.closed:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "List")

    def _tag(self, stack):
        return {"Key": "Stack", "Value": stack}


@pytest.fixture(autouse=True)
def _time_flies(monkeypatch):
    now = iter(range(1_000_000))
    clock = SimpleNamespace(monotonic=lambda: next(now), sleep=lambda _: None)
    monkeypatch.setattr(teardown_check, "time", clock)


def test_what_a_destroyed_stack_might_leave_is_found():
    """The search reads every page of every list, and reports only names of the stack."""
    left = teardown_check.search(Account(left="all"), "orderflow")
    assert len(left.found) == len(teardown_check.LISTS)
    assert all(line.endswith("orderflow-left") for line in left.found)
    assert left.not_searched == []


def test_what_may_not_be_listed_is_named_and_stops_nothing():
    """Billing is closed to most people: the rest is searched all the same."""
    there = Account(left="all", closed=("budgets", "resourcegroupstaggingapi"))
    left = teardown_check.search(there, "orderflow")
    assert left.not_searched == ["tags: AccessDenied", "budgets: AccessDenied"]
    assert len(left.found) == len(teardown_check.LISTS) - 1


def test_a_stack_whose_name_goes_on_is_another():
    there = Account(left="sqs", stacks=("orderflow-left",))
    assert teardown_check.search(there, "orderflow").found == []


def test_name_that_a_list_still_shows_is_waited_for(monkeypatch):
    there = Account(left="s3")
    monkeypatch.setattr(teardown_check.time, "sleep", lambda _: setattr(there, "left", ()))
    assert teardown_check.search(there, "orderflow").found == []


QUEUE = "arn:aws:sqs:r:1:orderflow-x"


def test_a_tag_that_outlives_its_resource_is_waited_for():
    assert teardown_check.search(Account(tagged=[[QUEUE], [QUEUE], []]), "orderflow").found == []


@pytest.mark.parametrize(
    ("arn", "closed", "found"),
    [
        (QUEUE, (), False),  # queues were listed, and it is none of them
        ("arn:aws:apigateway:r::/apis/x", (), False),
        (QUEUE, ("sqs",), True),  # nobody could look
        ("arn:aws:kms:r:1:key/x", (), True),  # of a service that is not searched by name
    ],
)
def test_tagged_resource_is_left_unless_its_service_lists_no_such_name(arn, closed, found):
    there = Account(tagged=[[arn]] * 1000, closed=closed)
    left = teardown_check.search(there, "orderflow")
    assert bool(left.found) is found
    assert bool(left.gone_but_listed) is not found
