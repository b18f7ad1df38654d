"""DynamoDB's expressions here and in moto, a second emulator: random ones, from one seed.

The expressions are those in which moto does as AWS documents. Beyond them it differs from AWS: it
compares values of different types (TypeError), takes `IN` with any types, `attribute_type` with any
name, functions with any operands, and cannot read `NOT NOT` or `size` of a missing attribute.
"""

import random
import re

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.dynamodb_expressions import evaluation, request
from local_cloud.dynamodb_expressions.values import comparable

SEED, EXPRESSIONS = 13, 120

ITEM = {
    "id": {"S": "item"},
    "n": {"N": "5"},
    "s": {"S": "text"},
    "strings": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}]},
    "m": {"M": {"n": {"N": "1"}, "s": {"S": "q"}}},
}
VALUES = {
    "N": [":one", ":five"],
    "S": [":te", ":q"],
    "SS": [":strings"],
    "NS": [":numbers"],
    "L": [":list"],
}
CONTENT = {
    ":one": {"N": "1"},
    ":five": {"N": "5"},
    ":te": {"S": "te"},
    ":q": {"S": "q"},
    ":strings": {"SS": ["x", "z"]},
    ":numbers": {"NS": ["2", "3"]},
    ":list": {"L": [{"S": "z"}]},
}
PATHS = {
    "N": ["n", "m.n", "l[0]"],
    "S": ["s", "m.s", "l[1]"],
    "SS": ["strings"],
    "NS": ["numbers"],
    "L": ["l"],
}
MISSING = ["q", "m.q", "l[7]"]
BROKEN = ["=", "!=", "(", ")", ",", "AND AND", "foo(n)", ":undefined", "#undefined"]


def _test(pick):
    kind = pick.choice(["N", "S"])
    path, value = pick.choice(PATHS[kind]), pick.choice(VALUES[kind])
    return pick.choice(
        [
            f"{path} {pick.choice(['=', '<>', '<', '<=', '>', '>='])} {value}",
            f"{path} BETWEEN {value} AND {value}",
            f"attribute_exists({pick.choice([path, *MISSING])})",
            f"attribute_not_exists({pick.choice([path, *MISSING])})",
            f"{pick.choice(MISSING)} = {value}",
            f"begins_with({pick.choice(PATHS['S'])}, {pick.choice(VALUES['S'])})",
            f"contains({pick.choice(['s', 'strings', 'l'])}, {pick.choice(VALUES['S'])})",
            f"size({pick.choice(['s', 'strings', 'l', 'm'])}) > {pick.choice(VALUES['N'])}",
        ]
    )


def _condition(pick, depth=2):
    if not depth or pick.random() < 0.4:
        return _test(pick)
    one, two = _condition(pick, depth - 1), _condition(pick, depth - 1)
    return pick.choice(
        [f"{one} AND {two}", f"{one} OR {two}", f"NOT ({one})", f"({one}) AND {two}"]
    )


def _action(pick, clause):
    kind = pick.choice(["N", "S", "SS", "NS", "L"])
    path, value = pick.choice(PATHS[kind]), pick.choice(VALUES[kind])
    if clause == "REMOVE":
        return pick.choice(["n", "s", "strings", "m.n", "m.s", "q"])
    if clause == "ADD":
        kind = pick.choice(["N", "SS", "NS"])
        return f"{pick.choice(PATHS[kind][:1])} {pick.choice(VALUES[kind])}"
    if clause == "DELETE":
        kind = pick.choice(["SS", "NS"])
        return f"{pick.choice(PATHS[kind])} {pick.choice(VALUES[kind])}"
    number = f"{pick.choice(PATHS['N'])} {pick.choice('+-')} {pick.choice(VALUES['N'])}"
    return f"{pick.choice([path, 'q'])} = " + pick.choice(
        [
            value,
            number,
            f"if_not_exists({pick.choice(MISSING[:2])}, {value})",
            "list_append(l, :list)",
        ]
    )


def _update(pick):
    clauses = pick.sample(["SET", "REMOVE", "ADD", "DELETE"], pick.choice([1, 2]))
    return " ".join(f"{clause} {_action(pick, clause)}" for clause in clauses)


def _expressions():
    pick = random.Random(SEED)
    for _ in range(EXPRESSIONS):
        parameter, make = pick.choice(
            [("ConditionExpression", _condition), ("UpdateExpression", _update)]
        )
        text = make(pick)
        if pick.random() < 0.2:
            words = text.split(" ")
            words.insert(pick.randrange(len(words)), pick.choice(BROKEN))
            text = " ".join(words)
        yield parameter, text


@pytest.fixture
def moto_table(aws):
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return dynamodb


def _asked(parameter, text):
    used = {name: CONTENT[name] for name in re.findall(r":\w+", text) if name in CONTENT}
    return {parameter: text, **({"ExpressionAttributeValues": used} if used else {})}


def _by_moto(dynamodb, asked):
    dynamodb.put_item(TableName="items", Item=ITEM)
    key = {"id": ITEM["id"]}
    try:
        if "UpdateExpression" in asked:
            dynamodb.update_item(TableName="items", Key=key, **asked)
        else:
            dynamodb.delete_item(TableName="items", Key=key, **asked)
    except ClientError as error:
        failed = error.response["Error"]["Code"] == "ConditionalCheckFailedException"
        return "fails" if failed else "refused"
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        return "refused"  # moto has no better answer to some broken conditions
    found = dynamodb.get_item(TableName="items", Key=key).get("Item", {})
    return {name: comparable(value) for name, value in found.items()}


def _by_us(asked):
    try:
        checked = request.check(asked, frozenset())
        if checked.update:
            new = evaluation.applied(checked.update, ITEM)
            return {name: comparable(value) for name, value in new.items()}
        return {} if evaluation.holds(checked.conditions["ConditionExpression"], ITEM) else "fails"
    except ValueError:
        return "refused"


def test_random_expressions_do_what_they_do_in_moto(moto_table):
    verdicts = set()
    for parameter, text in _expressions():
        asked = _asked(parameter, text)
        ours = _by_us(asked)
        assert ours == _by_moto(moto_table, asked), text
        verdicts.add(ours if isinstance(ours, str) else f"{parameter} holds")
    assert verdicts == {
        "refused",
        "fails",
        "ConditionExpression holds",
        "UpdateExpression holds",
    }
