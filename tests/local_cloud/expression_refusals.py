"""Ask whether DynamoDB refuses an expression, and with which words."""

from local_cloud.dynamodb_expressions import request
from local_cloud.dynamodb_expressions.nodes import ExpressionError

RESERVED = frozenset({"STATUS", "NAME", "SET", "AND"})
VALUES = {
    ":n": {"N": "1"},
    ":big": {"N": "9"},
    ":s": {"S": "x"},
    ":bool": {"BOOL": True},
    ":null": {"NULL": True},
    ":list": {"L": []},
    ":map": {"M": {}},
    ":set": {"SS": ["x"]},
    ":bytes": {"B": "YQ=="},
}
NAMES = {"#status": "status", "#n": "n", "#dot": "a.b"}
UNDEFINED_NAME = (
    "An expression attribute name used in the document path is not defined; attribute name: "
)
UNDEFINED_VALUE = (
    "An expression attribute value used in expression is not defined; attribute value: "
)
TYPE = "Incorrect operand type for operator or function; operator or function: "
COUNT = "Incorrect number of operands for operator or function; operator or function: "
PATH = "Operator or function requires a document path; operator or function: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "
TWICE = 'The "{}" section can only be used once in an update expression;'


def refusal(text: str, parameter: str = "ConditionExpression") -> str:
    """AWS's message about an expression, or an empty text."""
    asked = {parameter: text}
    for given, known in (("Names", NAMES), ("Values", VALUES)):
        used = {key: value for key, value in known.items() if key in text.replace(",", " ")}
        if used:
            asked[f"ExpressionAttribute{given}"] = used
    return refusal_of(asked)


def refusal_of(asked: dict) -> str:
    try:
        request.check(asked, RESERVED)
    except ExpressionError as error:
        return str(error)
    return ""
