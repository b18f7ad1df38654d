"""Errors as Lambda answers with them."""

from typing import Any

from ministack.core.responses import error_response_json

Answer = tuple[int, dict[str, Any], bytes]

ADVICE = "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"


def error(code: str, message: str, status: int = 400) -> Answer:
    """Return an answer with an error."""
    answer: Answer = error_response_json(code, message, status)
    return answer


def invalid(message: str) -> Answer:
    """Return the answer to a parameter that makes no sense."""
    return error("InvalidParameterValueException", message)


def missing(message: str) -> Answer:
    """Return the answer to a request for something that does not exist."""
    return error("ResourceNotFoundException", message, 404)


def no_json(problem: ValueError) -> Answer:
    """Return the answer to a payload that is no JSON."""
    message = f"Could not parse request body into json: Could not parse payload: {problem}"
    return error("InvalidRequestContentException", message)


def stale(advice: str = ADVICE) -> Answer:
    """Return the answer to a RevisionId that is not the latest."""
    message = f"The Revision Id provided does not match the latest Revision Id. {advice}"
    return error("PreconditionFailedException", message, 412)
