"""Which conditions and key conditions DynamoDB refuses, and with which words.

The words are those that two test suites found on AWS: architect/dynalite c5e5b46 (test/scan.js,
test/updateItem.js, test/query.js) and nubo-db/dynamodb-conformance 0ba4393.
"""

import pytest

from tests.local_cloud.expression_refusals import (
    COUNT,
    MISUSED,
    PATH,
    TYPE,
    UNDEFINED_NAME,
    UNDEFINED_VALUE,
    refusal,
)


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("n != :n", "!", "n !="),
        ("n == :n", "=", "== :n"),
        ("n = ", "<EOF>", "="),
        ("n", "<EOF>", "n"),
        ("n = 5", "5", "= 5"),
        ("n = 'x'", "'", "= 'x"),
        ("n = :n AND", "<EOF>", "AND"),
        ("n = :n n = :n", "n", ":n n ="),
        ("(n = :n", "<EOF>", ":n"),
        ("n = :n)", ")", ":n)"),
        ("(n = :n) = :n", "=", ") = :n"),
        ("n between :n", "<EOF>", ":n"),
        ("n in :n", ":n", "in :n"),
        ("n in (:n,)", ")", ",)"),
        ("size(n).x > :n", ".", ").x"),
        ("l[x] = :n", "x", "[x]"),
        ("a..b = :n", ".", "..b"),
        ("attribute_exists(a-b)", "-", "a-b"),
    ],
)
def test_a_condition_with_a_syntax_error_is_refused(text, token, near):
    expected = f'Invalid ConditionExpression: Syntax error; token: "{token}", near: "{near}"'
    assert refusal(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("((n = :n))", "The expression has redundant parentheses;"),
        ("n = :n AND ((n = :n OR n > :n))", "The expression has redundant parentheses;"),
        ("n = ((a))", "The expression has redundant parentheses;"),
        ("attribute_not_exist(id)", "Invalid function name; function: attribute_not_exist"),
        ("ATTRIBUTE_EXISTS(id)", "Invalid function name; function: ATTRIBUTE_EXISTS"),
        ("if_not_exists(n, :n) = :n", "Invalid function name; function: if_not_exists"),
        ("size(n)", f"{MISUSED}size"),
        ("contains(l, :s) = :bool", f"{MISUSED}contains"),
        ("n = attribute_exists(n)", f"{MISUSED}attribute_exists"),
        ("status = :s", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("order.Status = :s", "Attribute name is a reserved keyword; reserved keyword: Status"),
        ("#missing = :s", f"{UNDEFINED_NAME}#missing"),
        ("n = :missing", f"{UNDEFINED_VALUE}:missing"),
        ("attribute_exists(n, n)", f"{COUNT}attribute_exists, number of operands: 2"),
        ("begins_with(n)", f"{COUNT}begins_with, number of operands: 1"),
        ("size(n, :n) > :n", f"{COUNT}size, number of operands: 2"),
        ("attribute_exists(:n)", f"{PATH}attribute_exists"),
        ("begins_with(n, :n)", f"{TYPE}begins_with, operand type: N"),
        ("begins_with(n, :set)", f"{TYPE}begins_with, operand type: SS"),
        ("size(:n) > n", f"{TYPE}size, operand type: N"),
        ("n < :list", f"{TYPE}<, operand type: L"),
        ("n >= :bool", f"{TYPE}>=, operand type: BOOL"),
        ("attribute_type(n, :n)", f"{TYPE}attribute_type, operand type: N"),
        (
            "attribute_type(n, :s)",
            (
                "Invalid attribute type name found; type: x, "
                "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
            ),
        ),
        (
            "n = #n",
            (
                "The first operand must be distinct from the remaining operands for this operator "
                "or function; operator: =, first operand: [n]"
            ),
        ),
        (
            "n BETWEEN :big AND :n",
            (
                "The BETWEEN operator requires upper bound to be greater than or equal to lower "
                "bound; lower bound operand: AttributeValue: {N:9}, "
                "upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "n BETWEEN :n AND :s",
            (
                "The BETWEEN operator requires same data type for lower and upper bounds; lower "
                "bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:x}"
            ),
        ),
        (
            f"n IN ({', '.join([':n'] * 101)})",
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        (
            " OR ".join(["n=:n"] * 151),
            "The expression contains too many operators; operator count: 301",
        ),
    ],
)
@pytest.mark.parametrize("parameter", ["ConditionExpression", "FilterExpression"])
def test_a_condition_that_means_nothing_is_refused(text, reason, parameter):
    assert refusal(text, parameter) == f"Invalid {parameter}: {reason}"


@pytest.mark.parametrize(
    "text",
    [
        "n = :n",
        ":n = n",
        ":n = :n",
        "(n) = (:n)",
        "(a.b).c[0] <> :n",
        "size(n) BETWEEN :n AND :big",
        "(size(l) > :n)",
        "NOT n = :n AND NOT (a = :s OR b = :s)",
        "not attribute_exists(#status) or #status in (:s, a)",
        "(attribute_exists(a) AND (attribute_exists(b)))",
        "contains(l, :map) AND begins_with(#dot, :bytes)",
        "n=:n AND(a<:s)OR b.#status[10].c >= :s",
    ],
)
def test_a_condition_that_aws_takes_is_taken(text):
    assert refusal(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id = :s OR n = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT id = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("id <> :s", "Invalid operator used in KeyConditionExpression: <>"),
        ("id IN (:s)", "Invalid operator used in KeyConditionExpression: IN"),
        ("contains(id, :s)", "Invalid operator used in KeyConditionExpression: contains"),
        ("size(id) = :n", "KeyConditionExpressions cannot contain nested operations"),
        ("id.x = :s", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("id = :s AND id = :s", "KeyConditionExpressions must only contain one condition per key"),
        (
            "id = n",
            (
                "Invalid condition in KeyConditionExpression: "
                "Multiple attribute names used in one condition"
            ),
        ),
        (
            ":s = :s",
            "Invalid condition in KeyConditionExpression: No key attribute specified",
        ),
        (
            ":s BETWEEN id AND n",
            (
                "Invalid condition in KeyConditionExpression: BETWEEN operator must have "
                "the key attribute as its first operand"
            ),
        ),
    ],
)
def test_a_key_condition_allows_less_than_a_condition(text, reason):
    assert refusal(text, "KeyConditionExpression") == reason
