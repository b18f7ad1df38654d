"""Versions and aliases."""

import json
from uuid import uuid4

import pytest

from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

ROUTING = f"{LOCALSTACK}, TestLambdaAlias::test_notfound_and_invalid_routingconfigs"
REVISIONS = f"{LOCALSTACK}, TestLambdaRevisions::test_function_revisions_version_and_alias"


@pytest.fixture
def versions(lab):
    """A function with versions 1 and 2, and an alias `live` that leads to version 1."""
    function = lab.function("return [context.invoked_function_arn, context.function_version]")
    lab.awslambda.publish_version(FunctionName=function.name)
    lab.awslambda.update_function_configuration(FunctionName=function.name, Description="second")
    lab.awslambda.publish_version(FunctionName=function.name)
    lab.awslambda.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    return function


def weights(**versions):
    return {"AdditionalVersionWeights": {key[1:]: value for key, value in versions.items()}}


@recorded(
    "Lambda",
    "An alias to a version that does not exist is refused, and nothing changes.",
    ROUTING,
    ministack="accepts it",
)
@pytest.mark.parametrize("operation", ["create_alias", "update_alias"])
@pytest.mark.parametrize(
    "settings",
    [{"FunctionVersion": "999"}, {"FunctionVersion": "1", "RoutingConfig": weights(v999=0.5)}],
    ids=["version", "routing"],
)
def test_an_alias_to_a_missing_version_is_refused(lab, versions, operation, settings):
    name = "live" if operation == "update_alias" else "new"
    code, message = refusal(
        getattr(lab.awslambda, operation), FunctionName=versions.name, Name=name, **settings
    )
    assert (code, message) == (
        "ResourceNotFoundException",
        f"Function not found: {versions.arn}:999",
    )
    live = lab.awslambda.get_alias(FunctionName=versions.name, Name="live")
    assert (live["FunctionVersion"], "RoutingConfig" in live) == ("1", False)


@recorded(
    "Lambda",
    "An alias has at most one more version, with a weight from 0 to 1, and not $LATEST.",
    ROUTING,
    ministack="accepts them",
)
@pytest.mark.parametrize(
    ("version", "routing", "code"),
    [
        ("1", weights(v2=2.0), "ValidationException"),
        ("1", weights(v2=-1.0), "ValidationException"),
        ("1", {"AdditionalVersionWeights": {"$LATEST": 0.5}}, "ValidationException"),
        ("1", weights(v1=0.5), "InvalidParameterValueException"),
        ("1", weights(v1=0.5, v2=0.5), "InvalidParameterValueException"),
        ("$LATEST", weights(v1=0.5), "InvalidParameterValueException"),
    ],
    ids=["above 1", "below 0", "to $LATEST", "same", "two", "from $LATEST"],
)
def test_a_routing_that_makes_no_sense_is_refused(lab, versions, version, routing, code):
    create = lab.client("lambda", validates=False).create_alias
    found, _ = refusal(
        create,
        FunctionName=versions.name,
        Name="new",
        FunctionVersion=version,
        RoutingConfig=routing,
    )
    assert found == code


@recorded(
    "Lambda",
    "An alias that does not exist is not found, and is deleted without an error.",
    f"{ROUTING}, test_non_existent_alias_deletion",
    ministack="has another message, and refuses the deletion",
)
def test_a_missing_alias_is_deleted_without_an_error(lab, versions):
    name = versions.name
    assert refusal(lab.awslambda.get_alias, FunctionName=name, Name="none") == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {versions.arn}:none",
    )
    lab.awslambda.delete_alias(FunctionName=name, Name="none")


@recorded(
    "Lambda",
    "A second alias of the same name is refused.",
    ROUTING,
    ministack="has another message",
)
def test_a_second_alias_of_a_name_is_refused(lab, versions):
    assert refusal(
        lab.awslambda.create_alias, FunctionName=versions.name, Name="live", FunctionVersion="1"
    ) == ("ResourceConflictException", f"Alias already exists: {versions.arn}:live")


@documented(
    "Lambda",
    "An alias sends a part of its invocations to its second version.",
    "Lambda Developer Guide, Implement Lambda canary deployments using a weighted alias",
    ministack="runs the first version only",
)
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_alias_with_a_weight_of_1_runs_its_second_version(lab, versions, kind):
    lab.awslambda.update_alias(
        FunctionName=versions.name, Name="live", RoutingConfig=weights(v2=1.0)
    )
    queue = lab.queue()
    lab.awslambda.put_function_event_invoke_config(
        FunctionName=versions.name,
        Qualifier="live",
        DestinationConfig={"OnSuccess": {"Destination": queue.arn}},
    )
    answer = lab.awslambda.invoke(
        FunctionName=versions.name, Qualifier="live", InvocationType=kind, Payload=b"{}"
    )
    if kind == "Event":
        [message] = lab.eventually(lambda: lab.messages(queue))
        record = json.loads(message["Body"])
        executed, payload = record["responseContext"]["executedVersion"], record["responsePayload"]
    else:
        executed, payload = answer["ExecutedVersion"], json.load(answer["Payload"])
    assert (executed, payload) == ("2", [f"{versions.arn}:live", "2"])


@recorded(
    "Lambda",
    "PublishVersion refuses another CodeSha256 than the code's.",
    f"{LOCALSTACK}, TestLambdaVersions::test_publish_with_wrong_sha256",
    ministack="publishes",
)
def test_a_version_of_other_code_is_not_published(lab, versions):
    code, message = refusal(
        lab.awslambda.publish_version, FunctionName=versions.name, CodeSha256="other"
    )
    assert code == "InvalidParameterValueException"
    assert message.startswith("CodeSHA256 (other) is different from current CodeSHA256 in $LATEST")


@recorded(
    "Lambda",
    "A RevisionId that is not the latest is refused with 412.",
    REVISIONS,
    ministack="ignores it, or has another message",
)
@pytest.mark.parametrize(
    ("operation", "settings"),
    [
        ("publish_version", {}),
        ("update_function_code", {"ZipFile": b""}),
        ("update_function_configuration", {"Description": "third"}),
        ("update_alias", {"Name": "live"}),
    ],
)
def test_an_old_revision_is_refused(lab, versions, operation, settings):
    code, message = refusal(
        getattr(lab.awslambda, operation),
        FunctionName=versions.name,
        RevisionId=str(uuid4()),
        **settings,
    )
    assert code == "PreconditionFailedException"
    assert message.startswith("The Revision Id provided does not match the latest Revision Id. ")


@recorded(
    "Lambda",
    "DeleteFunction deletes neither $LATEST nor an alias.",
    f"{LOCALSTACK}, TestLambdaFunction::test_ops_with_arn_qualifier_mismatch",
    ministack="deletes the whole function for $LATEST",
)
@pytest.mark.parametrize("qualifier", ["$LATEST", "live"])
def test_delete_function_refuses_all_but_a_version(lab, versions, qualifier):
    delete = lab.awslambda.delete_function
    found = refusal(delete, FunctionName=versions.name, Qualifier=qualifier)
    assert found[0] == "InvalidParameterValueException"
    assert lab.awslambda.get_function(FunctionName=versions.name)["Configuration"]


@recorded(
    "Lambda",
    "PublishVersion gives $LATEST a new RevisionId, and none if nothing has changed.",
    REVISIONS,
    ministack="keeps it",
)
def test_publishing_a_version_renews_the_revision(lab):
    name = lab.function().name
    lab.awslambda.get_waiter("function_active_v2").wait(FunctionName=name)

    def revision():
        return lab.awslambda.get_function_configuration(FunctionName=name)["RevisionId"]

    first = revision()
    lab.awslambda.publish_version(FunctionName=name, RevisionId=first)
    second = revision()
    assert second != first
    assert lab.awslambda.publish_version(FunctionName=name)["Version"] == "1"
    assert revision() == second


@recorded(
    "Lambda",
    "AddPermission and RemovePermission give what they name a new RevisionId: GetPolicy's.",
    f"{LOCALSTACK}, TestLambdaRevisions::test_function_revisions_permissions",
    ministack="keeps it",
)
@pytest.mark.parametrize("qualified", [{}, {"Qualifier": "live"}], ids=["function", "alias"])
def test_a_permission_renews_the_revision(lab, versions, qualified):
    client, named = lab.awslambda, {"FunctionName": versions.name, **qualified}

    def revision():
        if qualified:
            return client.get_alias(FunctionName=versions.name, Name="live")["RevisionId"]
        return client.get_function_configuration(**named)["RevisionId"]

    found = [revision()]
    client.add_permission(
        **named,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        RevisionId=found[0],
    )
    found.append(client.get_policy(**named)["RevisionId"])
    assert revision() == found[1]
    client.remove_permission(**named, StatementId="one", RevisionId=found[1])
    found.append(revision())
    assert len(set(found)) == 3
    assert client.publish_version(FunctionName=versions.name)["Version"] == "2"
