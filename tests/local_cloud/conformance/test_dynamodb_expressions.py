"""Expressions of DynamoDB: what AWS refuses, the local cloud refuses."""

import re
from functools import cache

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conformance.marks import documented, recorded

pytestmark = pytest.mark.deployed

DYNALITE = "architect/dynalite c5e5b46, test/{} (runs on AWS)"
GUIDE = "DynamoDB Developer Guide, {}"

ITEM = {
    "id": {"S": "item"},
    "n": {"N": "5"},
    "s": {"S": "text"},
    "l": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "m": {"M": {"x": {"N": "1"}}},
}
VALUES = {
    ":n": {"N": "1"},
    ":s": {"S": "x"},
    ":l": {"L": []},
    ":set": {"SS": ["x"]},
}

KEY = {"query": {"KeyConditionExpression": "placed = :s"}, "scan": {}}


@pytest.fixture(scope="module")
def table_of():
    """Return the table of a cloud; the first test on the cloud makes it."""

    @cache
    def of(lab):
        name = lab.name("table")
        lab.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": each, "AttributeType": "S"} for each in ("id", "placed")
            ],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-placed",
                    "KeySchema": [{"AttributeName": "placed", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount"]},
                }
            ],
        )
        return name

    return of


@pytest.fixture
def ask(lab, table_of):
    """Send a request about the item; returns AWS's code and message, or ("", "")."""
    client, table = lab.client("dynamodb"), table_of(lab)
    client.put_item(TableName=table, Item=ITEM)

    def asked(operation, **request):
        if operation in {"get_item", "update_item", "delete_item"}:
            request["Key"] = {"id": ITEM["id"]}
        text = " ".join(value for key, value in request.items() if key.endswith("Expression"))
        if used := {name: VALUES[name] for name in re.findall(r":\w+", text)}:
            request["ExpressionAttributeValues"] = used
        try:
            getattr(client, operation)(TableName=table, **request)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return "", ""

    return asked


@pytest.fixture
def stored(lab, table_of):
    """Return the item as it is stored."""

    def read():
        key = {"id": ITEM["id"]}
        return lab.client("dynamodb").get_item(
            TableName=table_of(lab), Key=key, ConsistentRead=True
        )["Item"]

    return read


def refused(answer, text):
    return answer[0] == "ValidationException" and text in answer[1]


@pytest.mark.parametrize(
    "expression",
    [
        "SET n :n",
        "SET n == :n",
        "SET n = n * :n",
        "SET n = n - - :n",
        "SET n = (n - :n",
        "SET n = n + :n + :n",
        "REMOVE m n",
        "DELETE s = :set",
        "SET n = :n, SET s = :s",
        "ADD n n",
    ],
)
@recorded(
    "DynamoDB",
    "UpdateItem refuses an update expression with a syntax error, and changes nothing.",
    DYNALITE.format("updateItem.js"),
    ministack="skips what it does not understand",
)
def test_an_update_expression_with_a_syntax_error_is_refused(ask, stored, expression):
    answer = ask("update_item", UpdateExpression=expression)
    assert refused(answer, "Invalid UpdateExpression: Syntax error; token: ")
    assert stored() == ITEM


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("SET n = :n SET s = :s", 'The "SET" section can only be used once'),
        ("SET n = :n, n = :n", "Two document paths overlap with each other"),
        ("SET m.x = :n REMOVE m", "Two document paths overlap with each other"),
        ("SET n = if_not_exist(n, :n)", "Invalid function name; function: if_not_exist"),
        ("SET n = n - :s", "operator or function: -, operand type: S"),
        ("SET l = list_append(l, :s)", "operator or function: list_append, operand type: S"),
        ("SET n = if_not_exists(n)", "operator or function: if_not_exists, number of operands: 1"),
        ("SET n = if_not_exists(:n, n)", "requires a document path"),
    ],
)
@recorded(
    "DynamoDB",
    "UpdateItem refuses an update expression whose clauses, paths or operands do not fit.",
    DYNALITE.format("updateItem.js"),
    ministack="takes it",
)
def test_an_update_expression_that_does_not_fit_is_refused(ask, stored, expression, text):
    assert refused(ask("update_item", UpdateExpression=expression), text)
    assert stored() == ITEM


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("SET s = s - :n", "An operand in the update expression has an incorrect data type"),
        ("SET n = list_append(s, :l)", "has an incorrect data type"),
        ("SET s.x = :n", "invalid for update"),
        ("REMOVE l.x", "invalid for update"),
        ("ADD m[0] :n", "invalid for update"),
        ("DELETE q.x :set", "invalid for update"),
    ],
)
@recorded(
    "DynamoDB",
    "UpdateItem refuses an update that does not fit what the item holds.",
    DYNALITE.format("updateItem.js"),
    ministack="answers 200 and changes nothing, or something else",
)
def test_an_update_that_does_not_fit_the_item_is_refused(ask, stored, expression, text):
    assert refused(ask("update_item", UpdateExpression=expression), text)
    assert stored() == ITEM


@documented(
    "DynamoDB",
    "Every index in an update means the list as it was before.",
    GUIDE.format("Update expressions"),
    ministack="removes one after the other",
)
def test_indexes_mean_the_list_before_the_update(ask, stored):
    assert ask("update_item", UpdateExpression="REMOVE l[0], l[1]") == ("", "")
    assert stored()["l"] == {"L": [{"N": "3"}]}


@documented(
    "DynamoDB",
    "Numbers keep 38 digits in an addition.",
    GUIDE.format("Data types"),
    ministack="rounds to 28 digits",
)
def test_an_addition_keeps_38_digits(lab, table_of, stored, ask):
    lab.client("dynamodb").update_item(
        TableName=table_of(lab),
        Key={"id": ITEM["id"]},
        UpdateExpression="SET n = n + :big",
        ExpressionAttributeValues={":big": {"N": "1" * 38}},
    )
    assert stored()["n"] == {"N": "1" * 37 + "6"}


@pytest.mark.parametrize(
    "expression", ["n != :n", "n = :n;", "s = 'text'", "n ! :n", "s = :s | n = :n"]
)
@recorded(
    "DynamoDB",
    "A condition with a syntax error is refused, and does not merely fail.",
    DYNALITE.format("scan.js"),
    ministack="skips what it does not understand: `!=` is read as `=`",
)
def test_a_condition_with_a_syntax_error_is_refused(ask, expression):
    answer = ask("put_item", Item=ITEM, ConditionExpression=expression)
    assert refused(answer, "Invalid ConditionExpression: Syntax error; token: ")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("attribute_not_exist(id)", "Invalid function name; function: attribute_not_exist"),
        ("size(s)", "The function is not allowed to be used this way"),
        ("attribute_exists(s, n)", "number of operands: 2"),
        ("attribute_exists(:n)", "requires a document path"),
        ("attribute_type(n, :s)", "Invalid attribute type name found; type: x"),
        ("n = n", "The first operand must be distinct"),
        ("NOT size(:n) = :n", "operator or function: size, operand type: N"),
    ],
)
@recorded(
    "DynamoDB",
    "A condition whose functions or operands do not fit is refused.",
    DYNALITE.format("scan.js"),
    ministack="evaluates it",
)
def test_a_condition_that_does_not_fit_is_refused(ask, expression, text):
    answer = ask("delete_item", ConditionExpression=expression)
    assert refused(answer, text)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("n < :l", "Incorrect operand type"),
        ("n BETWEEN :l AND :l", "Incorrect operand type"),
        (f"n IN ({', '.join([':n'] * 101)})", "too many operands"),
        (" OR ".join(["n = :n"] * 151), "too many operators"),
    ],
    ids=["order", "between", "101", "301"],
)
@documented(
    "DynamoDB",
    "A condition compares ordered types only, with 100 operands of IN and 300 operators at most.",
    GUIDE.format("Condition expressions; Quotas"),
    ministack="evaluates it",
)
def test_a_condition_outside_the_limits_is_refused(ask, expression, text):
    assert refused(ask("delete_item", ConditionExpression=expression), text)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("id = :s OR placed = :s", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT id = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("id > :s", "Query key condition not supported"),
        ("begins_with(id, :s)", "Query key condition not supported"),
        ("id = placed", "Multiple attribute names used in one condition"),
        ("size(id) = :n", "cannot contain nested operations"),
    ],
)
@recorded(
    "DynamoDB",
    "Query refuses operators that a key condition does not allow.",
    DYNALITE.format("query.js"),
    ministack="takes it, or names another reason",
)
def test_a_key_condition_with_other_operators_is_refused(ask, expression, text):
    assert refused(ask("query", KeyConditionExpression=expression), text)


@recorded(
    "DynamoDB",
    "A query's filter may not test the table's keys.",
    DYNALITE.format("query.js"),
    ministack="takes it",
)
def test_a_filter_on_a_key_is_refused(ask):
    answer = ask("query", KeyConditionExpression="id = :s", FilterExpression="id <> :s")
    assert refused(answer, "Filter Expression can only contain non-primary key attributes")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("n,", "Syntax error"),
        ("n s", "Syntax error"),
        ("l[x]", "Syntax error"),
        ("m..x", "Syntax error"),
        ("n, 5", "Syntax error"),
        ("id.x", "Key attributes must be scalars"),
    ],
)
@recorded(
    "DynamoDB",
    "A broken projection expression is refused.",
    DYNALITE.format("getItem.js"),
    ministack="skips what it does not understand",
)
def test_a_broken_projection_is_refused(ask, expression, text):
    assert refused(ask("get_item", ProjectionExpression=expression), text)


@pytest.mark.parametrize("operation", ["query", "scan"])
@recorded(
    "DynamoDB",
    "A read of all attributes is refused on an index that has some only.",
    DYNALITE.format("query.js, scan.js"),
    ministack="returns what the index has",
)
def test_all_attributes_of_an_index_with_some_are_refused(ask, operation):
    answer = ask(operation, IndexName="by-placed", Select="ALL_ATTRIBUTES", **KEY[operation])
    assert refused(answer, "because its projection type is not ALL")


@pytest.mark.parametrize("operation", ["query", "scan"])
@documented(
    "DynamoDB",
    "A read of an index refuses attributes that the index does not project.",
    GUIDE.format("Using global secondary indexes"),
    ministack="returns what the index has",
)
def test_attributes_that_an_index_lacks_are_refused(ask, operation):
    asked = {"IndexName": "by-placed", "ProjectionExpression": "id, n"}
    answer = ask(operation, **asked, **KEY[operation])
    assert refused(answer, "does not project [n]")
