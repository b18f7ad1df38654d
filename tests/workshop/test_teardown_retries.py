"""Removing things that AWS still sees for a moment after they are gone."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from tests.workshop.test_account_stack import deployment
from workshop.deployment.aws import account_bootstrap, account_stack, teardown_check
from workshop.deployment.aws.account_bootstrap import Bootstrap, Settings
from workshop.deployment.aws.github_repository import Repository
from workshop.deployment.target import Target
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Changes
from workshop.errors import WorkshopError

HAS_RULES = TerraformError(
    "Terraform failed.\n  ✗ deleting EventBridge Event Bus (orderflow-bus)\n"
    "    ValidationException: EventBus can't be deleted since it has\n    rules."
)


@pytest.fixture
def destroy(monkeypatch):
    """Destroy a stack; each apply ends as a test says. Returns what was done."""

    def run(*ends):
        done, outcomes = [], list(ends)

        def apply_plan(_):
            done.append("apply")
            end = outcomes.pop(0)
            if end:
                raise end

        made = deployment()
        made._terraform.apply_plan = apply_plan
        made._terraform.plan = lambda *_, **options: done.append(options)
        monkeypatch.setattr(account_stack, "delete_record", lambda _: done.append("delete_record"))
        try:
            made.destroy()
        except WorkshopError as error:
            done.append(str(error))
        return done

    return run


def test_destruction_goes_on_by_itself_when_a_bus_still_has_rules(destroy):
    again = [{"destroy": True}, "apply"]
    assert destroy(HAS_RULES, None) == ["apply", *again, "delete_record"]
    assert destroy(HAS_RULES, HAS_RULES, None) == ["apply", *again, *again, "delete_record"]


def test_destruction_ends_when_a_bus_keeps_its_rules(destroy):
    *_, said = destroy(HAS_RULES, HAS_RULES, HAS_RULES)
    assert "aws events list-rules" in said


def test_destruction_is_not_repeated_after_another_error(destroy):
    first, said = destroy(TerraformError("AccessDenied"))
    assert (first, said) == ("apply", "AccessDenied")


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only while somebody sleeps."""
    made = SimpleNamespace(now=0.0)
    made.monotonic = lambda: made.now
    made.sleep = lambda seconds: setattr(made, "now", made.now + seconds)
    monkeypatch.setattr(teardown_check, "time", made)
    return made


def test_list_that_lags_is_asked_again_until_nothing_is_left(clock):
    looks = [["a", "b"], ["a"], []]
    assert teardown_check.until_gone(lambda: looks.pop(0)) == []
    assert looks == []


def test_what_stays_is_found_after_a_minute_and_a_half(clock):
    assert teardown_check.until_gone(lambda: ["a"]) == ["a"]
    assert clock.now >= teardown_check.SECONDS


def test_nothing_is_waited_for_when_nothing_is_left(clock):
    teardown_check.until_gone(list)
    assert clock.now == 0


class Paged:
    """A client whose lists have three pages, with or without a paginator of boto3's."""

    def __init__(self, *, paginator):
        self.can_paginate = lambda _: paginator
        self.get_paginator = lambda _: SimpleNamespace(paginate=lambda **_: iter(self.all))
        self.all = [{"Names": ["a"], "NextToken": "1"}, {"NextToken": "2"}, {"Names": ["b"]}]

    def list_names(self, NextToken="0"):  # noqa: N803 - AWS's name
        return self.all[int(NextToken)]


@pytest.mark.parametrize("paginator", [True, False])
def test_all_pages_of_a_list_are_read(paginator):
    target = SimpleNamespace(client=lambda _: Paged(paginator=paginator))
    assert [*teardown_check._names(target, "events", "list_names", "Names", None)] == ["a", "b"]


class FakeAccount:
    """IAM and S3 of an account with a bootstrap's role, which may vanish look by look."""

    account, region, endpoint_url = "1", "eu-west-1", None
    exceptions = SimpleNamespace(NoSuchEntityException=ClientError)

    def __init__(self, looks=(), providers=()):
        self.looks = list(looks)
        self.providers = providers

    def client(self, _):
        return self

    def can_paginate(self, _):
        return False

    def list_roles(self, **_):
        return {"Roles": [{"RoleName": each} for each in (self.looks and self.looks.pop(0)) or []]}

    def list_policies(self, **_):
        return {"Policies": []}

    def list_buckets(self):
        return {"Buckets": []}

    def list_open_id_connect_providers(self):
        return {"OpenIDConnectProviderList": [{"Arn": each} for each in self.providers]}

    def get_open_id_connect_provider(self, **_):
        raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetOpenIDConnectProvider")

    def get_role(self, RoleName):  # noqa: N803 - AWS's name
        if RoleName not in self.looks:
            raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")


def bootstrap(account, state=None):
    made = object.__new__(Bootstrap)
    made.target, made.prefix, made.in_bucket = account, "orderflow", False
    made.names = account_bootstrap.bootstrap_names.names("orderflow", "1", "eu-west-1")
    made._directory = made._leaving = Target("x", "r", "1", None, own=False).directory
    made._terraform = SimpleNamespace(
        pull_state=lambda: state or {}, plan=lambda *_: Changes(added=1)
    )
    return made


ROLE = "github-orderflow-deploy"


def test_leftovers_of_a_bootstrap_are_looked_for_again(clock):
    assert bootstrap(FakeAccount([[ROLE], [ROLE], []])).leftovers() == []
    assert bootstrap(FakeAccount([[ROLE]] * 1000)).leftovers() == [f"role {ROLE}"]


def test_provider_that_is_gone_but_listed_is_no_leftover(clock):
    gone = f"arn:aws:iam::1:oidc-provider/{account_bootstrap.GITHUB}"
    assert bootstrap(FakeAccount(providers=[gone])).leftovers() == []


SETTINGS = Settings(Repository("acme/orders", 11, 22), None)


def test_bootstrap_in_a_second_region_is_refused_before_anything_is_made():
    """Roles are the whole account's; the bucket would be made, and the roles would fail."""
    elsewhere = FakeAccount(["github-orderflow-plan"])
    with pytest.raises(WorkshopError, match="another region"):
        bootstrap(elsewhere).plan(SETTINGS)
    known = {"resources": [{"type": "aws_iam_role"}]}
    assert bootstrap(elsewhere, known).plan(SETTINGS).any
    assert bootstrap(FakeAccount()).plan(SETTINGS).any


def test_names_of_a_bootstrap_that_are_taken_are_explained():
    def refuse(*_):
        raise TerraformError("EntityAlreadyExists: Role with name github-orderflow-plan")

    made = bootstrap(FakeAccount())
    made._terraform.plan = refuse
    made._terraform.errored_state = made._directory / "none"
    with pytest.raises(WorkshopError, match=r"are taken.*another region"):
        made.plan(SETTINGS)
