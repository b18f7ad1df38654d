"""How a function that fails reads."""

import json

import pytest

from tests.local_cloud.cloud_builder import attributes
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded

pytestmark = pytest.mark.deployed

RUNTIME = "awslambdaric, AWS's runtime interface client for Python"


def error(lab, function):
    answer = lab.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    return json.load(answer["Payload"])


@recorded(
    "Lambda",
    "An error of the module has the exception's own type, and no request id.",
    f"{LOCALSTACK}, TestLambdaErrors::test_lambda_runtime_error",
    ministack="has one type for all errors",
)
def test_an_error_of_the_module_has_its_own_type(lab):
    function = lab.function(files={"bad.py": "raise KeyError('x')"}, Handler="bad.handler")
    found = error(lab, function)
    assert (found["errorType"], found["errorMessage"], found["requestId"]) == (
        "KeyError",
        "'x'",
        "",
    )
    assert found["stackTrace"][-1].startswith('  File "/var/task/bad.py", line 1, in <module>')


@documented(
    "Lambda",
    "A function that cannot be loaded has an error type of the runtime, and no request id.",
    RUNTIME,
    ministack="has one type for all errors",
)
@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        (
            "import nosuch",
            "bad.handler",
            "ImportModuleError",
            "Unable to import module 'bad': No module named 'nosuch'",
        ),
        (
            "from json import nosuch",
            "bad.handler",
            "ImportModuleError",
            "Unable to import module 'bad': cannot import name 'nosuch' from 'json'",
        ),
        ("", "none.handler", "ImportModuleError", "Unable to import module 'none': No module"),
        ("def x(:", "bad.handler", "UserCodeSyntaxError", "Syntax error in module 'bad': "),
        ("x = 1", "bad.handler", "HandlerNotFound", "Handler 'handler' missing on module 'bad'"),
        ("x = 1", "bad", "MalformedHandlerName", "Bad handler 'bad': not enough values"),
    ],
)
def test_a_function_that_cannot_be_loaded_says_why(lab, code, handler, kind, message):
    found = error(lab, lab.function(files={"bad.py": code}, Handler=handler))
    assert (found["errorType"], found["requestId"]) == (f"Runtime.{kind}", "")
    assert found["errorMessage"].startswith(message)


@recorded(
    "Lambda",
    "A process that ends has an error with its exit status or signal, wherever it ends.",
    f"{LOCALSTACK}, TestLambdaErrors::test_lambda_handler_exit, test_lambda_runtime_exit",
    ministack="has one type for all errors",
)
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os._exit(3)", "with error: exit status 3"),
        ("sys.exit(0)", "without providing a reason"),
        ("sys.exit('words')", "with error: exit status 1"),
        ("os.kill(os.getpid(), 9)", "with error: signal: killed"),
    ],
)
@pytest.mark.parametrize("where", ["handler", "module"])
def test_a_process_that_ends_reads_as_its_status(lab, code, reason, where):
    if where == "handler":
        function = lab.function(f"import sys; {code}")
    else:
        module = {"bad.py": f"import os, sys\n{code}"}
        function = lab.function(files=module, Handler="bad.handler")
    answer = lab.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.load(answer["Payload"]) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited {reason}",
    }


@recorded(
    "Lambda",
    "A function that takes too long is ended with Sandbox.Timedout.",
    f"{LOCALSTACK}, TestLambdaBehavior::test_lambda_invoke_with_timeout",
    ministack="has another message",
)
def test_a_timeout_names_its_seconds(lab):
    found = error(lab, lab.function("time.sleep(9)", Timeout=1))
    assert found["errorType"] == "Sandbox.Timedout"
    assert found["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds")


@recorded(
    "Lambda",
    "A response above 6 MB is an error of the function.",
    f"{LOCALSTACK}, TestLambdaBaseFeatures::test_lambda_too_large_response",
    ministack="sends it",
)
def test_an_answer_above_6_mb_is_an_error(lab):
    assert error(lab, lab.function("return 'x' * (7 * 1024 * 1024)")) == {
        "errorMessage": (
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        ),
        "errorType": "Function.ResponseSizeTooLarge",
    }


@documented(
    "Lambda",
    "A response that is not JSON is an error of the function.",
    RUNTIME,
    ministack="has one type for all errors",
)
def test_an_answer_that_is_not_json_is_an_error(lab):
    found = error(lab, lab.function("return {1, 2}"))
    assert found["errorType"] == "Runtime.MarshalError"
    assert found["errorMessage"].startswith("Unable to marshal response: Object of type set")


@recorded(
    "Lambda",
    "The record of a function that is switched off has no response, and counts no attempt.",
    f"{LOCALSTACK}, TestLambdaConcurrency::test_reserved_concurrency",
    ministack="has a response, and counts three attempts",
)
def test_the_record_of_a_function_that_is_switched_off_has_no_response(lab):
    queue = lab.queue()
    function = lab.function(on_failure=queue)
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    [message] = lab.eventually(lambda: lab.messages(queue))
    record = json.loads(message["Body"])
    assert set(record) == {"version", "timestamp", "requestContext", "requestPayload"}
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert attributes(message) == {}


@recorded(
    "Lambda",
    "A throttled request is refused with TooManyRequestsException.",
    f"{LOCALSTACK}, TestLambdaConcurrency::test_reserved_concurrency",
    ministack="has another message",
)
def test_a_throttle_has_awss_words(lab):
    function = lab.function()
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    with pytest.raises(lab.awslambda.exceptions.TooManyRequestsException) as refused:
        lab.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    assert refused.value.response["Error"]["Message"] == "Rate Exceeded."
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
