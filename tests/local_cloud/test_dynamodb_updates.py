"""Which updates, projections, names and values DynamoDB refuses, and with which words.

The words are those that two test suites found on AWS: architect/dynalite c5e5b46 (test/scan.js,
test/updateItem.js, test/query.js) and nubo-db/dynamodb-conformance 0ba4393.
"""

import pytest

from local_cloud.dynamodb_expressions import request, table_rules
from local_cloud.dynamodb_expressions.nodes import ExpressionError
from local_cloud.dynamodb_expressions.table_rules import Index, Keys
from tests.local_cloud.expression_refusals import (
    COUNT,
    PATH,
    RESERVED,
    TWICE,
    TYPE,
    UNDEFINED_NAME,
    UNDEFINED_VALUE,
    refusal,
    refusal_of,
)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("n = :n", "n"),
        ("SET n :n", ":n"),
        ("SET n == :n", "="),
        ("SET n = n * :n", "*"),
        ("SET n = n - - :n", "-"),
        ("SET n = (n - :n", "<EOF>"),
        ("SET n = n + :n + :n", "+"),
        ("SET n = :n,", "<EOF>"),
        ("SET n = :n, SET a = :n", "SET"),
        ("SET n = 5", "5"),
        ("SET :n = n", ":n"),
        ("SET n = set", "set"),
        ("SET n.1 = :n", "1"),
        ("REMOVE n = :n", "="),
        ("REMOVE n a", "a"),
        ("ADD n n", "n"),
        ("ADD n = :n", "="),
        ("DELETE l", "<EOF>"),
        ("INCREMENT n :n", "INCREMENT"),
    ],
)
def test_an_update_with_a_syntax_error_is_refused(text, token):
    start = f'Invalid UpdateExpression: Syntax error; token: "{token}", near: "'
    assert refusal(text, "UpdateExpression").startswith(start)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SET n = :n SET a = :n", TWICE.format("SET")),
        ("REMOVE n ADD a :n remove b", TWICE.format("REMOVE")),
        ("SET status = :s", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("SET n = if_not_exist(n, :n)", "Invalid function name; function: if_not_exist"),
        ("SET n = size(l)", "Invalid function name; function: size"),
        ("SET #missing = :n", f"{UNDEFINED_NAME}#missing"),
        ("SET n = n + :missing", f"{UNDEFINED_VALUE}:missing"),
        ("SET n = n - :s", f"{TYPE}-, operand type: S"),
        ("SET n = :list + n", f"{TYPE}+, operand type: L"),
        ("SET l = list_append(l, :n)", f"{TYPE}list_append, operand type: N"),
        ("SET l = list_append(l)", f"{COUNT}list_append, number of operands: 1"),
        ("SET n = if_not_exists(:n, n)", f"{PATH}if_not_exists"),
        (
            "ADD n :s",
            (
                "Incorrect operand type for operator or function; operator: ADD, "
                "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"
            ),
        ),
        (
            "DELETE n :n",
            (
                "Incorrect operand type for operator or function; operator: DELETE, "
                "operand type: NUMBER, typeSet: ALLOWED_FOR_ADD_OPERAND"
            ),
        ),
        (
            "SET n = :n, #n = :big",
            (
                "Two document paths overlap with each other; "
                "must remove or rewrite one of these paths; path one: [n], path two: [n]"
            ),
        ),
        (
            "SET a.b[1] = :n REMOVE a.b",
            (
                "Two document paths overlap with each other; "
                "must remove or rewrite one of these paths; path one: [a, b, [1]], path two: [a, b]"
            ),
        ),
        (
            "SET a.b = :n, a[1] = :n",
            (
                "Two document paths conflict with each other; "
                "must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]"
            ),
        ),
    ],
)
def test_an_update_that_means_nothing_is_refused(text, reason):
    assert refusal(text, "UpdateExpression") == f"Invalid UpdateExpression: {reason}"


@pytest.mark.parametrize(
    "text",
    [
        "SET n = :n",
        "set n = (n - :n), #status = :s remove a, b[1] add c :set delete d.e :set",
        "SET n = if_not_exists(n, if_not_exists(a, :n)) + :n",
        "SET l = list_append(if_not_exists(l, :list), :list)",
        "SET a[1] = :n, a[2] = :n, b.c = (a)",
    ],
)
def test_an_update_that_aws_takes_is_taken(text):
    assert refusal(text, "UpdateExpression") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!!!", 'Syntax error; token: "!", near: "!!"'),
        ("a,", 'Syntax error; token: "<EOF>", near: ","'),
        ("a b", 'Syntax error; token: "b", near: "a b"'),
        ("a[b]", 'Syntax error; token: "b", near: "[b]"'),
        (":n", 'Syntax error; token: ":n", near: ":n"'),
        ("a, name", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a, #missing", f"{UNDEFINED_NAME}#missing"),
        (
            "a.b, a",
            (
                "Two document paths overlap with each other; "
                "must remove or rewrite one of these paths; path one: [a, b], path two: [a]"
            ),
        ),
    ],
)
def test_a_projection_that_means_nothing_is_refused(text, reason):
    expected = f"Invalid ProjectionExpression: {reason}"
    assert refusal_of({"ProjectionExpression": text}) == expected


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"ExpressionAttributeValues": {":a": {"N": "1"}, ":ab": {"N": "1"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}",
        ),
        (
            {"ExpressionAttributeNames": {"#x": "x"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}",
        ),
        ({"ExpressionAttributeNames": {}}, "ExpressionAttributeNames must not be empty"),
        (
            {"ExpressionAttributeNames": {"x": "x"}},
            'ExpressionAttributeNames contains invalid key: Syntax error; key: "x"',
        ),
        (
            {"ExpressionAttributeValues": {":a-b": {"N": "1"}}},
            'ExpressionAttributeValues contains invalid key: Syntax error; key: ":a-b"',
        ),
    ],
)
def test_names_and_values_must_be_valid_and_used(given, reason):
    asked = {
        "ConditionExpression": "n = :ab",
        "ExpressionAttributeValues": {":ab": {"N": "1"}},
        **given,
    }
    assert refusal_of(asked) == reason


KEYS = Keys(("id", "at"), frozenset({"day"}), ("id",), ("at",))


@pytest.mark.parametrize(
    ("asked", "keys", "reason"),
    [
        (
            {"KeyConditionExpression": "id > :s", "ExpressionAttributeValues": {":s": {"S": "x"}}},
            KEYS,
            "Query key condition not supported",
        ),
        (
            {
                "KeyConditionExpression": "id = :s",
                "FilterExpression": "at = :s",
                "ExpressionAttributeValues": {":s": {"S": "x"}},
            },
            KEYS,
            (
                "Filter Expression can only contain non-primary key attributes: "
                "Primary key attribute: at"
            ),
        ),
        (
            {"ProjectionExpression": "id[0]"},
            KEYS,
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                "are not allowed: Key: id"
            ),
        ),
        (
            {"UpdateExpression": "REMOVE day.x"},
            KEYS,
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                "are not allowed: IndexKey: day"
            ),
        ),
        (
            {"ProjectionExpression": "id, total, lines"},
            Keys(("id",), index=Index("by-day", frozenset({"id", "day", "total"}))),
            (
                "One or more parameter values were invalid: "
                "Global secondary index by-day does not project [lines]"
            ),
        ),
    ],
)
def test_a_tables_keys_limit_its_expressions(asked, keys, reason):
    with pytest.raises(ExpressionError) as refused:
        table_rules.check(request.check(asked, RESERVED), keys)
    assert str(refused.value) == reason
