"""Requests that Lambda refuses: names, payloads, sizes, permissions."""

from uuid import uuid4

import pytest

from local_cloud.process import ACCOUNT_ID
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

PERMISSIONS = f"{LOCALSTACK}, TestLambdaPermissions::test_permission_exceptions"
QUOTAS = "Lambda Developer Guide, Lambda quotas"
NO_POLICY = ("ResourceNotFoundException", "The resource you requested does not exist.")
PERMISSION = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}


@pytest.fixture(scope="module")
def function(lab):
    return lab.function()


@recorded(
    "Lambda",
    "A qualifier in the name must be the one beside it.",
    f"{LOCALSTACK}, TestLambdaFunction::test_ops_with_arn_qualifier_mismatch",
    ministack="prefers one of them",
)
@pytest.mark.parametrize("operation", ["get_function", "invoke", "delete_function"])
def test_two_different_qualifiers_are_refused(lab, operation):
    call = getattr(lab.awslambda, operation)
    function = lab.function()  # its own: MiniStack deletes it
    assert refusal(call, FunctionName=f"{function.name}:$LATEST", Qualifier="1") == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


@recorded(
    "Lambda",
    "A function of another region is not reachable.",
    f"{LOCALSTACK}, TestLambdaFunction::test_get_function_wrong_region",
    ministack="says that it is not found",
)
@pytest.mark.parametrize(
    "operation",
    ["get_function", "invoke", "delete_function", "get_function_event_invoke_config"],
)
def test_a_function_of_another_region_is_not_reachable(lab, operation):
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:charge"
    assert refusal(getattr(lab.awslambda, operation), FunctionName=arn) == (
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )


@recorded(
    "Lambda",
    "A function or qualifier that does not exist is not found.",
    f"{LOCALSTACK}, TestLambdaFeatures::test_invoke_exceptions, TestLambdaAliases",
)
@pytest.mark.parametrize("qualifier", ["missing", "999"])
def test_a_missing_qualifier_is_not_found(lab, function, qualifier):
    assert refusal(lab.awslambda.invoke, FunctionName=function.name, Qualifier=qualifier) == (
        "ResourceNotFoundException",
        f"Function not found: {function.arn}:{qualifier}",
    )


@recorded(
    "Lambda",
    "A dry run is answered with 204, and runs nothing.",
    f"{LOCALSTACK}, TestLambdaFeatures::test_invocation_type_dry_run",
    ministack="names a version, too",
)
def test_a_dry_run_runs_nothing(lab):
    function = lab.function()
    answer = lab.awslambda.invoke(FunctionName=function.name, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")
    assert "ExecutedVersion" not in answer
    assert function.calls() == []


@documented(
    "Lambda",
    "An invocation type that does not exist is refused.",
    "Lambda API Reference, Invoke",
    ministack="runs the function",
)
def test_an_unknown_invocation_type_is_refused(lab, function):
    invoke = lab.client("lambda", validates=False).invoke
    code, _ = refusal(invoke, FunctionName=function.name, InvocationType="Later")
    assert code == "ValidationException"


@recorded(
    "Lambda",
    "A payload that is not JSON is refused.",
    f"{LOCALSTACK}, TestLambdaErrors::test_lambda_invoke_payload_encoding_error",
    ministack="runs the function with {}",
)
@pytest.mark.parametrize("payload", [b'{"a":', b"words", b"n\x87r\x9e"])
def test_a_payload_that_is_no_json_is_refused(lab, function, payload):
    code, message = refusal(lab.awslambda.invoke, FunctionName=function.name, Payload=payload)
    assert code == "InvalidRequestContentException"
    assert message.startswith("Could not parse request body into json")


@documented(
    "Lambda",
    "A payload is at most 6 MB, and 1 MB for an event.",
    QUOTAS,
    ministack="takes any size",
)
@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6_291_456), ("Event", 1_048_576)])
def test_a_payload_above_the_limit_is_refused(lab, function, kind, limit):
    payload = b'"' + b"x" * limit + b'"'
    code, message = refusal(
        lab.awslambda.invoke, FunctionName=function.name, InvocationType=kind, Payload=payload
    )
    assert code == "RequestEntityTooLargeException"
    assert message.endswith(f"(limit {limit} bytes)")


@recorded(
    "Lambda",
    "A function's environment variables are at most 4 KB.",
    f"{LOCALSTACK}, TestLambdaSizeLimits::test_large_environment_variables_fails",
    ministack="takes any size",
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_an_environment_above_4_kb_is_refused(lab, operation):
    large = {"LARGE": "x" * 4096}
    if operation == "create":
        found = refusal(lab.function, variables=large)
    else:
        found = refusal(
            lab.awslambda.update_function_configuration,
            FunctionName=lab.function().name,
            Environment={"Variables": large},
        )
    assert found[0] == "InvalidParameterValueException"
    assert "exceeded the 4KB limit" in found[1]


@recorded(
    "Lambda",
    "A permission for $LATEST, a missing qualifier or an invalid principal is refused.",
    PERMISSIONS,
    ministack="accepts some, and has other messages",
)
@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        (
            {"Qualifier": "$LATEST"},
            "InvalidParameterValueException",
            "We currently do not support adding policies for $LATEST.",
        ),
        (
            {"Principal": "nobody"},
            "InvalidParameterValueException",
            "The provided principal was invalid.",
        ),
        ({"Qualifier": "missing"}, "ResourceNotFoundException", "Cannot find alias arn: arn:"),
        (
            {"RevisionId": str(uuid4())},
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy",
        ),
    ],
    ids=["latest", "principal", "alias", "revision"],
)
def test_a_permission_that_makes_no_sense_is_refused(lab, function, parameters, code, message):
    found = refusal(
        lab.awslambda.add_permission,
        **{"FunctionName": function.name, "StatementId": str(uuid4()), **PERMISSION, **parameters},
    )
    assert found[0] == code
    assert found[1].startswith(message)


@recorded(
    "Lambda",
    "A function and each of its aliases have policies of their own.",
    f"{LOCALSTACK}, TestLambdaPermissions::test_lambda_permission_fn_versioning",
    ministack="shows the statements of all",
)
def test_a_function_and_its_alias_have_policies_of_their_own(lab):
    name = lab.function().name
    policy = lab.awslambda.get_policy
    assert refusal(policy, FunctionName=name) == NO_POLICY
    lab.awslambda.publish_version(FunctionName=name)
    lab.awslambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    lab.awslambda.add_permission(
        FunctionName=name, Qualifier="live", StatementId="one", **PERMISSION
    )
    assert refusal(policy, FunctionName=name) == NO_POLICY
    assert '"Sid": "one"' in policy(FunctionName=name, Qualifier="live")["Policy"]


@documented(
    "Lambda",
    "A statement's id is unique in the policy of a function or of an alias, not in both.",
    "Lambda API Reference, AddPermission",
    ministack="refuses the second",
)
def test_a_function_and_its_alias_may_use_one_statement_id(lab):
    name = lab.function().name
    lab.awslambda.publish_version(FunctionName=name)
    lab.awslambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    add = lab.awslambda.add_permission
    for qualified in ({}, {"Qualifier": "live"}):
        add(FunctionName=name, StatementId="one", **PERMISSION, **qualified)
        code, _ = refusal(add, FunctionName=name, StatementId="one", **PERMISSION, **qualified)
        assert code == "ResourceConflictException"
    lab.awslambda.remove_permission(FunctionName=name, StatementId="one")
    left = lab.awslambda.get_policy(FunctionName=name, Qualifier="live")["Policy"]
    assert '"Sid": "one"' in left


@documented(
    "Lambda",
    "A permission may be for an account, a role or any service, Alexa's included.",
    "Lambda API Reference, AddPermission; Alexa Skills Kit, Host a Custom Skill",
)
@pytest.mark.parametrize(
    "principal",
    [
        "*",
        ACCOUNT_ID,
        f"arn:aws:iam::{ACCOUNT_ID}:root",
        "s3.amazonaws.com",
        "alexa-appkit.amazon.com",
    ],
)
def test_every_kind_of_principal_is_accepted(lab, function, principal):
    permission = {**PERMISSION, "Principal": principal}
    name = "of-" + principal.translate(str.maketrans("*:./", "----"))
    lab.awslambda.add_permission(FunctionName=function.name, StatementId=name, **permission)


@recorded(
    "Lambda",
    "RemovePermission names what is missing: the statement, or the whole policy.",
    f"{LOCALSTACK}, TestLambdaPermissions::test_remove_multi_permissions",
    ministack="has one text for both",
)
def test_a_missing_statement_is_named(lab):
    name = lab.function().name
    remove = lab.awslambda.remove_permission
    assert refusal(remove, FunctionName=name, StatementId="none") == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )
    lab.awslambda.add_permission(FunctionName=name, StatementId="one", **PERMISSION)
    assert refusal(remove, FunctionName=name, StatementId="none") == (
        "ResourceNotFoundException",
        "Statement none is not found in resource policy.",
    )
