"""The payment gateway's switch."""

import pytest
from payment_service.settings import PaymentSettings
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import recovery as commands
from workshop.deployment.release import function_updates as on_lambda
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError

FUNCTIONS = {key: f"orderflow-{key}" for key in ("order-tracker", *gateway_switch.FUNCTIONS)}


class FakeLambda:
    """Functions with an environment; an update takes a few looks until it is live."""

    def __init__(self):
        self.variables = {
            name: {"TABLE_NAME": "payments", "GATEWAY_AVAILABLE": "true"}
            for name in FUNCTIONS.values()
        }
        self.looks_left = dict.fromkeys(FUNCTIONS.values(), 0)
        self.updated = []
        self.fails = False

    def get_function_configuration(self, FunctionName):  # noqa: N803  (boto3's spelling)
        status = "Successful"
        if self.looks_left[FunctionName]:
            self.looks_left[FunctionName] -= 1
            status = "Failed" if self.fails else "InProgress"
        return {
            "Environment": {"Variables": dict(self.variables[FunctionName])},
            "LastUpdateStatus": status,
            "LastUpdateStatusReason": "no room" if self.fails else "",
        }

    def update_function_configuration(self, FunctionName, Environment):  # noqa: N803
        assert not self.looks_left[FunctionName], "AWS refuses this: an update is under way"
        self.variables[FunctionName] = Environment["Variables"]
        self.looks_left[FunctionName] = 3
        self.updated.append(FunctionName)


@pytest.fixture
def functions(monkeypatch):
    made = FakeLambda()
    monkeypatch.setattr(Target, "client", lambda *_: made)
    monkeypatch.setattr(on_lambda, "POLL_SECONDS", 0)
    monkeypatch.setattr(commands, "current", _stack)
    return made


def _stack(functions=FUNCTIONS, stage=2):
    outputs = Outputs("", "bus", "us-east-1", functions, {}, {})
    return Stack(Target.local("default", "http://127.0.0.1:9"), stage, outputs)


def run(*arguments):
    return CliRunner().invoke(app, ["gateway", *arguments], standalone_mode=False)


def test_down_is_down_for_both_functions_and_live_when_it_is_said(functions):
    done = run("down")
    assert done.exception is None
    assert functions.updated == ["orderflow-payment", "orderflow-payment-refund"]
    assert set(functions.looks_left.values()) == {0}
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["payment", "the gateway is down"],
        ["payment-refund", "the gateway is down"],
    ]
    assert "the next `make up` also does" in done.stderr


def test_all_other_variables_stay(functions):
    run("down")
    assert functions.variables["orderflow-payment"] == {
        "TABLE_NAME": "payments",
        "GATEWAY_AVAILABLE": "false",
    }
    assert functions.variables["orderflow-order-tracker"]["GATEWAY_AVAILABLE"] == "true"


def test_up_takes_it_back(functions):
    run("down")
    done = run("up")
    assert functions.variables["orderflow-payment"]["GATEWAY_AVAILABLE"] == "true"
    assert done.stderr == ""


def test_what_is_so_already_is_left_alone(functions):
    run("up")
    assert functions.updated == []


def test_an_update_under_way_is_waited_for(functions):
    functions.looks_left["orderflow-payment"] = 2
    assert run("down").exception is None


def test_gateway_changes_nothing_without_an_argument(functions):
    done = run()
    assert "the gateway answers" in done.stdout
    assert functions.updated == []


def test_error_names_the_function_when_its_update_fails(functions):
    functions.fails = True
    assert "orderflow-payment is not live: no room." in str(run("down").exception)


def test_an_update_that_never_ends_is_given_up(functions, monkeypatch):
    monkeypatch.setattr(on_lambda, "LIVE_SECONDS", -1.0)
    assert "is not live: InProgress." in str(run("down").exception)


def test_another_word_is_misuse(functions):
    done = run("off")
    assert isinstance(done.exception, UsageError)
    assert "up or down, not off" in str(done.exception)


def test_before_stage_2_the_way_there_is_named(functions):
    with pytest.raises(WorkshopError, match=r"comes with stage 2.*make up STAGE=2"):
        gateway_switch.state(_stack({"order-tracker": "x"}, stage=1))


@pytest.mark.parametrize("value", ["true", "false", "False", "anything", None])
def test_the_tools_read_the_switch_as_the_service_does(value):
    variables = {} if value is None else {gateway_switch.VARIABLE: value}
    settings = PaymentSettings.from_environment(
        {"TABLE_NAME": "t", "EVENT_BUS_NAME": "b", **variables}
    )
    configuration = {"Environment": {"Variables": variables}}
    assert gateway_switch.answers(configuration) is settings.gateway_answers
    assert gateway_switch.answers({})
