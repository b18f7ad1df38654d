"""DynamoDB: transactions, batches, keys and values that AWS refuses."""

import itertools
from functools import cache

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conformance.marks import documented, recorded

pytestmark = pytest.mark.deployed

CONFORMANCE = "nubo-db/dynamodb-conformance 0ba4393, tests/{} (runs on AWS)"
DYNALITE = "architect/dynalite c5e5b46, test/{} (runs on AWS)"
API = "DynamoDB API reference, {}"
CANCELLED = "TransactionCanceledException"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def table_of():
    """Return the table of a cloud, with a partition and a sort key; made once."""

    @cache
    def of(lab):
        name = lab.name("table")
        lab.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "at", "AttributeType": "N"},
            ],
            KeySchema=[
                {"AttributeName": "id", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
        )
        return name

    return of


class Table:
    """A table, and the answers to requests that AWS refuses."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def key(self):
        return {"id": {"S": f"item-{next(_numbers)}"}, "at": {"N": "1"}}

    def error(self, operation, **request):
        """AWS's code and message, and a cancelled transaction's reasons; empty if it succeeds."""
        try:
            getattr(self.client, operation)(**request)
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            found = error.response["Error"]
            return found["Code"], found["Message"], [reason["Code"] for reason in reasons]
        return "", "", []

    def write(self, *actions, **options):
        items = [{kind: {"TableName": self.name, **action}} for kind, action in actions]
        return self.error("transact_write_items", TransactItems=items, **options)

    def get(self, key):
        return self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True).get("Item")


@pytest.fixture
def table(lab, table_of):
    return Table(lab.client("dynamodb", validates=False), table_of(lab))


# Transactions


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("Put", {"Item": {"id": {"S": "x"}, "n": {"N": "1"}}}),
        ("Put", {"Item": {"n": {"N": "1"}}}),
        ("Delete", {"Key": {"id": {"S": "x"}}}),
        ("Delete", {"Key": {"id": {"S": "x"}, "at": {"N": "1"}, "n": {"N": "1"}}}),
        ("Update", {"Key": {"id": {"S": "x"}}, "UpdateExpression": "REMOVE n"}),
        (
            "Update",
            {"Key": {"id": {"S": "x"}, "at": {"N": "1"}}, "UpdateExpression": "REMOVE id"},
        ),
        ("ConditionCheck", {"Key": {}, "ConditionExpression": "attribute_not_exists(id)"}),
    ],
)
@documented(
    "DynamoDB",
    "A transaction with a key that does not fit the table is cancelled with ValidationError, "
    "and nothing is stored.",
    API.format("TransactWriteItems"),
    ministack="stores it, or takes the key as far as it fits",
)
def test_a_transaction_with_a_wrong_key_is_cancelled(table, kind, action):
    key = table.key()
    code, _, reasons = table.write(("Put", {"Item": key}), (kind, action))
    assert (code, reasons) == (CANCELLED, ["None", "ValidationError"])
    assert table.get(key) is None


@recorded(
    "DynamoDB",
    "A transaction with two actions on one item is refused.",
    CONFORMANCE.format("tier3/error-messages/transactWriteItems.test.ts"),
)
def test_a_transaction_with_an_item_twice_is_refused(table):
    key = table.key()
    code, message, _ = table.write(("Put", {"Item": key}), ("Delete", {"Key": key}))
    assert code == "ValidationException"
    assert message == "Transaction request cannot include multiple operations on one item"
    assert table.get(key) is None


@recorded(
    "DynamoDB",
    "A transaction of more than 100 actions is refused.",
    CONFORMANCE.format("tier3/error-messages/transactWriteItems.test.ts"),
)
def test_a_transaction_of_more_than_100_is_refused(table):
    code, message, _ = table.write(*(("Put", {"Item": table.key()}) for _ in range(101)))
    assert code == "ValidationException"
    assert message.endswith("Member must have length less than or equal to 100")


@recorded(
    "DynamoDB",
    "A token can repeat its own transaction only.",
    CONFORMANCE.format("tier2/transactions/transactWrite.test.ts"),
)
def test_a_token_repeats_its_own_transaction_only(table):
    key, token = table.key(), f"token-{next(_numbers)}"
    put = ("Put", {"Item": {**key, "n": {"N": "1"}}})
    assert table.write(put, ClientRequestToken=token)[0] == ""
    table.client.delete_item(TableName=table.name, Key=key)
    assert table.write(put, ClientRequestToken=token)[0] == ""
    assert table.get(key) is None
    other = ("Put", {"Item": {**key, "n": {"N": "2"}}})
    assert table.write(other, ClientRequestToken=token)[0] == "IdempotentParameterMismatchException"


@documented(
    "DynamoDB",
    "An update that does not fit its item cancels the transaction.",
    API.format("TransactWriteItems"),
    ministack="changes nothing, and succeeds",
)
def test_a_transactions_update_that_does_not_fit_cancels_it(table):
    key, other = table.key(), table.key()
    table.client.put_item(TableName=table.name, Item={**key, "s": {"S": "text"}})
    update = {
        "Key": key,
        "UpdateExpression": "SET s = s - :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    code, _, reasons = table.write(("Update", update), ("Put", {"Item": other}))
    assert (code, reasons) == (CANCELLED, ["ValidationError", "None"])
    assert table.get(other) is None


@pytest.mark.parametrize(
    "condition", ["n != :n", "attribute_not_exist(id)", "n = :n AND", "size(n) = :n AND n"]
)
@documented(
    "DynamoDB",
    "A broken condition refuses the whole transaction.",
    API.format("TransactWriteItems"),
)
def test_a_transactions_broken_condition_is_refused(table, condition):
    key = table.key()
    values = {"ExpressionAttributeValues": {":n": {"N": "1"}}} if ":n" in condition else {}
    put = ("Put", {"Item": key, "ConditionExpression": condition, **values})
    assert table.write(put)[0] == "ValidationException"
    assert table.get(key) is None


@pytest.mark.parametrize(
    "key", [{"id": {"S": "x"}}, {"id": {"N": "1"}, "at": {"N": "1"}}], ids=["missing", "type"]
)
@recorded(
    "DynamoDB",
    "TransactGetItems with a key that does not fit the table is cancelled.",
    CONFORMANCE.format("tier3/error-messages/transactGetItems.test.ts"),
    ministack="finds no item",
)
def test_a_transactional_read_with_a_wrong_key_is_cancelled(table, key):
    items = [{"Get": {"TableName": table.name, "Key": key}}]
    code, _, reasons = table.error("transact_get_items", TransactItems=items)
    assert (code, reasons) == (CANCELLED, ["ValidationError"])


# Batches


@documented(
    "DynamoDB",
    "BatchGetItem refuses a broken projection expression.",
    API.format("BatchGetItem"),
    ministack="skips what it does not understand",
)
@pytest.mark.parametrize("projection", ["id,", "id n", "#missing", "n.status", "n n"])
def test_a_batch_with_a_broken_projection_is_refused(table, projection):
    keys = {table.name: {"Keys": [table.key()], "ProjectionExpression": projection}}
    assert table.error("batch_get_item", RequestItems=keys)[0] == "ValidationException"


@pytest.mark.parametrize(
    "puts",
    [
        [{"id": {"S": "x"}, "at": {"N": "1"}}] * 2,
        [{"id": {"S": "x"}}],
        [{"id": {"S": ""}, "at": {"N": "1"}}],
        [{"id": {"S": str(number)}, "at": {"N": "1"}} for number in range(26)],
        [{"id": {"S": "x"}, "at": {"N": "1"}, "large": {"S": "x" * 409_600}}],
        [],
    ],
    ids=["twice", "no-sort-key", "empty-key", "26", "large", "empty"],
)
@recorded(
    "DynamoDB",
    "BatchWriteItem refuses items twice, wrong keys, more than 25 items and large items.",
    DYNALITE.format("batchWriteItem.js"),
)
def test_a_wrong_batch_of_items_is_refused(table, puts):
    requests = {table.name: [{"PutRequest": {"Item": item}} for item in puts]}
    assert table.error("batch_write_item", RequestItems=requests)[0] == "ValidationException"


# Values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"N": "1" * 39}, "38 significant digits"),
        ({"N": "1E126"}, "Number overflow"),
        ({"N": "1E-131"}, "Number underflow"),
        ({"N": "five"}, "cannot be converted to a numeric value"),
        ({"SS": []}, "may not be empty"),
        ({"SS": ["a", "a"]}, "contains duplicates"),
        ({"NS": ["1", "1.0"]}, "contains duplicates"),
        ({"NULL": False}, "must have the value of true"),
        ({"S": "x" * 409_600}, "Item size has exceeded the maximum allowed size"),
    ],
    ids=["digits", "overflow", "underflow", "text", "empty", "twice", "equal", "null", "large"],
)
@recorded(
    "DynamoDB",
    "PutItem refuses values outside DynamoDB's types and sizes.",
    DYNALITE.format("putItem.js"),
)
def test_a_value_outside_the_types_is_refused(table, value, text):
    item = {**table.key(), "v": value}
    code, message, _ = table.error("put_item", TableName=table.name, Item=item)
    assert code == "ValidationException"
    assert text in message


@documented(
    "DynamoDB",
    "An item has 32 levels of nesting at most.",
    "DynamoDB Developer Guide, Quotas",
)
def test_an_item_of_more_than_32_levels_is_refused(table):
    value = {"S": "leaf"}
    for _ in range(32):
        value = {"L": [value]}
    code, message, _ = table.error(
        "put_item", TableName=table.name, Item={**table.key(), "v": value}
    )
    assert code == "ValidationException"
    assert "Nesting Levels have exceeded supported limits" in message


@recorded(
    "DynamoDB",
    "A value of a condition is held against DynamoDB's types, too.",
    DYNALITE.format("putItem.js"),
    ministack="compares with it",
)
@pytest.mark.parametrize("value", [{"SS": []}, {"NULL": False}, {}], ids=["set", "null", "none"])
def test_a_conditions_value_outside_the_types_is_refused(table, value):
    code, message, _ = table.error(
        "put_item",
        TableName=table.name,
        Item=table.key(),
        ConditionExpression="v <> :v",
        ExpressionAttributeValues={":v": value},
    )
    assert code == "ValidationException"
    assert "ExpressionAttributeValues contains invalid value: " in message


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("put_item", "ALL_NEW"),
        ("put_item", "UPDATED_OLD"),
        ("delete_item", "UPDATED_NEW"),
        ("update_item", "EVERYTHING"),
    ],
)
@recorded(
    "DynamoDB",
    "Each write refuses ReturnValues that it does not have.",
    DYNALITE.format("putItem.js, deleteItem.js, updateItem.js"),
)
def test_return_values_that_a_write_lacks_are_refused(table, operation, value):
    key = {"Item" if operation == "put_item" else "Key": table.key()}
    answer = table.error(operation, TableName=table.name, ReturnValues=value, **key)
    assert answer[0] == "ValidationException"


@pytest.mark.parametrize("expression", ["SET id = :v", "SET #at = :v", "ADD #at :v", "REMOVE id"])
@recorded(
    "DynamoDB",
    "UpdateItem refuses to change a key attribute, whatever the condition says.",
    DYNALITE.format("updateItem.js"),
    ministack="evaluates the condition first",
)
def test_a_key_attribute_cannot_be_updated(table, expression):
    names = {"#at": "at"} if "#at" in expression else {}
    values = {":v": {"N": "2"}} if ":v" in expression else {}
    answer = table.error(
        "update_item",
        TableName=table.name,
        Key=table.key(),
        UpdateExpression=expression,
        ConditionExpression="attribute_exists(id)",
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": values} if values else {}),
    )
    assert answer[0] == "ValidationException"
    assert "This attribute is part of the key" in answer[1]
