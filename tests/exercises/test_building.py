"""The exercises in which the learner writes code judge half solutions, and say what is missing."""

import importlib.util
import re

import pytest

from tests.fixtures.exercise_checks import checked
from workshop.exercises import session
from workshop.exercises.catalogue import find

COUNT, TESTS, BATCH = find("02.4"), find("03.3"), find("05.5")
FUNCTION = "02-payment/payment_service/declines.py"
TEST_FILE = "03-inventory/exercises/3-write-a-test/test_reserve.py"


TRANSACTION = (
    "            self.dynamodb.transact_write_items("
    'TransactItems=[{"Put": order}, {"Update": total}])\n'
)
TWO_REQUESTS = """\
            try:
                self.dynamodb.put_item(**order)
            except self.dynamodb.exceptions.ConditionalCheckFailedException:
                return
            self.dynamodb.update_item(**total)
"""


@pytest.fixture
def solve(copy):
    """Put an exercise's solution in place; it is reset afterwards."""
    begun = []

    def start(exercise):
        session.start(exercise, root=copy)
        begun.append(exercise)
        session.solve(exercise, colour=False, root=copy)

    yield start
    for exercise in begun:
        session.reset(exercise, root=copy)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            TRANSACTION,
            TWO_REQUESTS,
            "died after 1 of its requests to DynamoDB and ran again: the table counts 0",
        ),
        (
            '            "ConditionExpression": "attribute_not_exists(id)",\n',
            "",
            "The same event came three times, and the table counts 3",
        ),
        ('if why != "ConditionalCheckFailed":', "if not why:", "the table counts 0"),
    ],
    ids=["two requests", "no condition", "any refusal is a duplicate"],
)
def test_function_that_counts_wrong_is_found(copy, solve, old, new, says):
    """A crash, a duplicate, and a conflict; only the concerned checks fail."""
    solve(COUNT)
    path = copy / FUNCTION
    assert path.read_text("utf-8").count(old) == 1
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    failed, output = checked(copy, COUNT.check)
    assert 0 < failed < 7, output
    assert says in output, output


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "    fill(MOUSE=1)\n    assert reserve('order-1', MOUSE=2) == 'RESERVED'\n",
            "test_mine fails, but the code has no bug: assert 'OUT_OF_STOCK' == 'RESERVED'",
        ),
        ("    fill(MOUSE=1\n", "Python cannot read test_reserve.py: SyntaxError"),
        (
            "    fill(MOUSE=1)\n    assert reserve('order-1', MOUSE=1) == 'RESERVED'\n",
            "[an order can get more units than there are]\n      With this bug in the code all",
        ),
    ],
    ids=["wrong", "unreadable", "too little"],
)
def test_learners_test_is_judged_in_words(copy, solve, body, says):
    """A test that fails without a bug, one that Python cannot read, and one that misses bugs."""
    solve(TESTS)
    path = copy / TEST_FILE
    fixtures = path.read_text("utf-8").partition("def test_")[0]
    path.write_text(f"{fixtures}def test_mine(fill, stock, reserve):\n{body}", "utf-8")
    failed, output = checked(copy, TESTS.check)
    assert failed, output
    assert says in output, output


STEP = "orderflow/step.py"
BUFFER = "terraform/modules/event-function/buffer.tf"
LOOP = re.compile(r"        failed = \[\]\n.*?        return .*?\n", re.DOTALL)
SETTING = re.compile(r"^ *function_response_types .*\n", re.MULTILINE)
NOT_READ = "It is in no queue: it is lost. Lambda does not read its response"
TOO_MANY = "3 other messages of its batch are dead letters"

STOPS_AT_AN_ERROR = """\
        for number, record in enumerate(messages):
            try:
                handle(_message_body(record), context, app=app, keys={})
            except Exception:
                rest = [{"itemIdentifier": each["messageId"]} for each in messages[number:]]
                return {"batchItemFailures": rest}
"""
REPORTS_NOTHING = """\
        for record in messages:
            try:
                handle(_message_body(record), context, app=app, keys={})
            except Exception:
                logger.info("next")
"""
OTHER_KEY = """\
        failed = []
        for record in messages:
            try:
                handle(_message_body(record), context, app=app, keys={})
            except Exception:
                failed.append({"messageId": record["messageId"]})
        return {"batchItemFailures": failed}
"""


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (BUFFER, SETTING, "", NOT_READ),
        (
            BUFFER,
            SETTING,
            '  function_response_types = ["Failures"]\n',
            "knows no response type",
        ),
        (BUFFER, SETTING, '  # function_response_types = ["ReportBatchItemFailures"]\n', NOT_READ),
        (STEP, LOOP, STOPS_AT_AN_ERROR, "2 other messages of its batch are dead letters"),
        (STEP, LOOP, REPORTS_NOTHING, "it is lost. Its response was null"),
        (STEP, LOOP, OTHER_KEY, TOO_MANY),
        (STEP, re.compile(r"if not messages:"), "if False:", "no longer the ids of its events"),
    ],
    ids=[
        "the mapping does not ask",
        "an unknown response type",
        "a comment",
        "it stops at an error",
        "it reports nothing",
        "another key",
        "no event without a queue",
    ],
)
def test_half_of_a_partial_batch_response_is_judged(copy, solve, name, old, new, says):
    """The code without the setting, and reports that Lambda understands otherwise."""
    solve(BATCH)
    path = copy / name
    text, number = old.subn(new, path.read_text("utf-8"))
    assert number == 1
    path.write_text(text, "utf-8")
    failed, output = checked(copy, BATCH.check)
    assert failed, output
    assert says in output, output


@pytest.fixture(scope="module")
def check():
    """The check of the learner's tests, as a module."""
    spec = importlib.util.spec_from_file_location("check_of_tests", TESTS.check)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcome(**changes):
    return {"tests": ["test_mine"], "failures": {}, "found": ["one"], "unreadable": ""} | changes


def test_file_without_a_test_and_tests_that_find_nothing_are_named(check):
    with pytest.raises(AssertionError, match=r"There is no test in test_reserve\.py"):
        check.test_there_is_a_test(outcome(tests=[]))
    with pytest.raises(pytest.fail.Exception, match="they pass whatever the code does"):
        check.test_your_tests_find_a_bug(outcome(found=[]), "one")
    with pytest.raises(pytest.fail.Exception, match="First make your tests pass"):
        check.test_your_tests_find_a_bug(outcome(failures={"test_mine": "no"}), "one")
    check.test_your_tests_find_a_bug(outcome(), "one")


def test_bug_that_no_longer_fits_the_code_is_an_error(check):
    bug = check.planted_bugs.Bug("service", "reserve", "no such text", "")
    with pytest.raises(ValueError, match="not as it was"):
        check.planted_bugs.plant(bug)
