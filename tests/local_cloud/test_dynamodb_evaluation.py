"""What conditions say of an item, and what updates make of it, as AWS documents it."""

import pytest

from local_cloud.dynamodb_expressions import checks, evaluation
from local_cloud.dynamodb_expressions.checks import Attributes
from local_cloud.dynamodb_expressions.nodes import ExpressionError

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_PLACE = "The document path provided in the update expression is invalid for update"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
OVERFLOW = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)

ITEM = {
    "n": {"N": "5"},
    "s": {"S": "text"},
    "u": {"S": "a\N{GRINNING FACE}"},
    "b": {"B": "aGVsbG8="},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "strings": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"deep": {"S": "d"}}}]},
    "m": {"M": {"inner": {"N": "1"}, "empty": {"S": ""}}},
}


def condition_holds(text, **values):
    attributes = Attributes({}, {f":{name}": value for name, value in values.items()})
    return evaluation.holds(checks.condition(text, attributes, frozenset()), ITEM)


def updated(text, item=ITEM, **values):
    attributes = Attributes({}, {f":{name}": value for name, value in values.items()})
    return evaluation.applied(checks.update(text, attributes, frozenset()), item)


@pytest.mark.parametrize(
    ("text", "v", "expected"),
    [
        ("n = :v", {"N": "5.0"}, True),
        ("n = :v", {"S": "5"}, False),
        ("n <> :v", {"S": "5"}, True),
        ("n > :v", {"N": "-5"}, True),
        ("n < :v", {"S": "9"}, False),
        ("n BETWEEN :v AND n.x", {"N": "1"}, False),
        ("missing = :v", {"N": "5"}, False),
        ("missing <> :v", {"N": "5"}, True),
        ("missing < :v", {"N": "5"}, False),
        ("NOT missing < :v", {"N": "5"}, True),
        ("missing = other OR n = :v", {"N": "1"}, False),
        ("n IN (missing, :v)", {"N": "5"}, True),
        ("s >= :v", {"S": "tex"}, True),
        ("b > :v", {"B": "aGVsbA=="}, True),
        ("strings = :v", {"SS": ["y", "x"]}, True),
        ("numbers = :v", {"NS": ["2.0", "1"]}, True),
        ("m.inner = :v", {"N": "1"}, True),
        ("l[2].deep = :v", {"S": "d"}, True),
        ("l[7] = :v", {"S": "d"}, False),
        ("begins_with(s, :v)", {"S": "te"}, True),
        ("begins_with(n, :v)", {"S": "5"}, False),
        ("begins_with(b, :v)", {"B": "aGU="}, True),
        ("contains(s, :v)", {"S": "ex"}, True),
        ("contains(strings, :v)", {"S": "x"}, True),
        ("contains(numbers, :v)", {"N": "1.0"}, True),
        ("contains(l, :v)", {"N": "1.00"}, True),
        ("contains(s, :v)", {"N": "1"}, False),
        ("contains(b, :v)", {"B": "bGw="}, True),
        ("attribute_type(yes, :v)", {"S": "BOOL"}, True),
        ("attribute_type(missing, :v)", {"S": "BOOL"}, False),
        ("size(s) = :v", {"N": "4"}, True),
        ("size(b) = :v", {"N": "5"}, True),
        ("size(l) = :v", {"N": "3"}, True),
        ("size(n) = :v", {"N": "1"}, False),
        ("size(missing) < :v", {"N": "9"}, False),
        ("n = :v OR s = :v AND s = :v", {"N": "5"}, True),
        ("NOT n = :v OR n = :v", {"N": "5"}, True),
    ],
)
def test_a_condition_holds_as_on_aws(text, v, expected):
    assert condition_holds(text, v=v) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attribute_exists(m.empty)", True),
        ("attribute_exists(nothing)", True),
        ("attribute_not_exists(m.other)", True),
        ("attribute_not_exists(s.inner)", True),
        ("attribute_exists(l[1].deep)", False),
    ],
)
def test_an_attribute_exists_as_on_aws(text, expected):
    assert condition_holds(text) is expected


@pytest.mark.parametrize(
    ("text", "v", "path", "expected"),
    [
        ("SET n = n - :v", {"N": "7"}, "n", {"N": "-2"}),
        ("SET n = :v - n", {"N": "7"}, "n", {"N": "2"}),
        ("SET n = n + :v", {"N": "0.10"}, "n", {"N": "5.1"}),
        ("SET n = n + :v", {"N": "1E20"}, "n", {"N": "100000000000000000005"}),
        ("SET fresh = if_not_exists(fresh, :v) + n", {"N": "1"}, "fresh", {"N": "6"}),
        ("SET n = if_not_exists(n, :v)", {"N": "1"}, "n", {"N": "5"}),
        (
            "SET a = list_append(:v, l)",
            {"L": [{"S": "0"}]},
            "a",
            {"L": [{"S": "0"}, *ITEM["l"]["L"]]},
        ),
        ("SET n = s, s = :v", {"S": "new"}, "n", {"S": "text"}),
        (
            "SET l[1] = :v",
            {"S": "x"},
            "l",
            {"L": [ITEM["l"]["L"][0], {"S": "x"}, ITEM["l"]["L"][2]]},
        ),
        ("SET l[9] = :v", {"S": "x"}, "l", {"L": [*ITEM["l"]["L"], {"S": "x"}]}),
        ("REMOVE l[0], l[1] SET n = :v", {"N": "1"}, "l", {"L": [ITEM["l"]["L"][2]]}),
        (
            "SET m.fresh = :v REMOVE m.empty",
            {"N": "2"},
            "m",
            {"M": {"inner": {"N": "1"}, "fresh": {"N": "2"}}},
        ),
        ("ADD fresh :v", {"N": "3"}, "fresh", {"N": "3"}),
        ("ADD n :v", {"N": "-5"}, "n", {"N": "0"}),
        ("ADD strings :v", {"SS": ["y", "z"]}, "strings", {"SS": ["x", "y", "z"]}),
        ("ADD numbers :v", {"NS": ["1.0", "3"]}, "numbers", {"NS": ["1", "2", "3"]}),
        ("DELETE strings :v", {"SS": ["x", "q"]}, "strings", {"SS": ["y"]}),
        ("DELETE strings :v", {"SS": ["x", "y"]}, "strings", None),
        ("DELETE fresh :v", {"SS": ["x"]}, "fresh", None),
    ],
)
def test_an_update_changes_an_item_as_on_aws(text, v, path, expected):
    before = repr(ITEM)
    assert updated(text, v=v).get(path) == expected
    assert repr(ITEM) == before


@pytest.mark.parametrize(
    ("text", "v", "reason"),
    [
        ("SET s = s - :v", {"N": "1"}, WRONG_TYPE),
        ("SET l = list_append(s, :v)", {"L": []}, WRONG_TYPE),
        ("SET l = list_append(if_not_exists(fresh, s), :v)", {"L": []}, WRONG_TYPE),
        ("SET n = missing + :v", {"N": "1"}, NO_ATTRIBUTE),
        ("SET a = b.c, n = :v", {"N": "1"}, NO_ATTRIBUTE),
        ("SET missing.x = :v", {"N": "1"}, NO_PLACE),
        ("SET s.x = :v", {"N": "1"}, NO_PLACE),
        ("SET m[0] = :v", {"N": "1"}, NO_PLACE),
        ("REMOVE l.x SET n = :v", {"N": "1"}, NO_PLACE),
        ("REMOVE missing.x SET n = :v", {"N": "1"}, NO_PLACE),
        ("ADD l.x :v", {"N": "1"}, NO_PLACE),
        ("DELETE missing.x :v", {"SS": ["1"]}, NO_PLACE),
        ("ADD s :v", {"N": "1"}, WRONG_TYPE),
        ("ADD numbers :v", {"SS": ["1"]}, WRONG_TYPE),
        ("DELETE n :v", {"SS": ["1"]}, WRONG_TYPE),
        ("SET n = n + :v", {"N": "1E125"}, OVERFLOW),
        ("SET n = :v + :v", {"N": "9.9E125"}, OVERFLOW),
        ("ADD n :v", {"N": "0.00000000000000000000000000000000000001"}, OVERFLOW),
    ],
)
def test_an_update_that_does_not_fit_the_item_is_refused(text, v, reason):
    with pytest.raises(ExpressionError) as refused:
        updated(text, v=v)
    assert str(refused.value) == reason


def test_a_sum_keeps_all_38_digits():
    digits = "12345678901234567890123456789012345678"
    assert updated("SET n = :v - n", v={"N": digits})["n"] == {"N": f"{digits[:-2]}73"}
