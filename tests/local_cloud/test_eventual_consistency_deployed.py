"""A running cloud that is as eventually consistent as AWS."""

import json
import time

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.deployed


def error_of(call):
    """Return the code of the error that a call ends with; empty if it succeeds."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


@pytest.fixture
def late(calm):
    """The shared cloud, eventually consistent during one test."""
    calm.control.set_eventually_consistent(on=True)
    yield calm
    calm.control.set_eventually_consistent(on=False)


def buckets(lab):
    return {each["Name"] for each in lab.client("s3").list_buckets()["Buckets"]}


def queues(lab):
    return set(lab.sqs.list_queues().get("QueueUrls", []))


def roles(lab):
    return {each["Arn"] for each in lab.iam.list_roles()["Roles"]}


def event_buses(lab):
    return {each["Name"] for each in lab.events.list_event_buses()["EventBuses"]}


def make_bucket(lab):
    name = lab.name("bucket")
    lab.client("s3").create_bucket(Bucket=name)
    return name, lambda: lab.client("s3").delete_bucket(Bucket=name)


def make_queue(lab):
    url = lab.queue().url
    return url, lambda: lab.sqs.delete_queue(QueueUrl=url)


def make_role(lab):
    arn = lab.role()
    return arn, lambda: lab.iam.delete_role(RoleName=arn.rpartition("/")[2])


def make_bus(lab):
    name = lab.bus()
    return name, lambda: lab.events.delete_event_bus(Name=name)


LISTS = {buckets: make_bucket, queues: make_queue, roles: make_role, event_buses: make_bus}


def test_lists_show_late_what_was_created_and_deleted(late):
    made = {listed: make(late) for listed, make in LISTS.items()}

    def shown():
        return [listed for listed, (name, _) in made.items() if name in listed(late)]

    assert shown() == []
    assert late.eventually(lambda: len(shown()) == len(LISTS))
    for _, delete in made.values():
        delete()
    assert len(shown()) == len(LISTS)
    assert late.eventually(lambda: not shown())


def test_a_list_is_up_to_date_while_the_switch_is_off(calm):
    assert not calm.control.eventually_consistent()
    name, delete = make_queue(calm)
    assert name in queues(calm)
    delete()
    assert name not in queues(calm)


def test_a_bus_is_deleted_some_seconds_after_its_last_rule(late):
    bus = late.bus()
    rule, _ = late.empty_rule(bus)
    late.events.delete_rule(Name=rule, EventBusName=bus)

    def deleted():
        return error_of(lambda: late.events.delete_event_bus(Name=bus)) != "ValidationException"

    assert not deleted()
    assert late.eventually(deleted)


def test_log_reads_are_throttled_and_begin_with_an_empty_page(late):
    group = late.name("group")
    late.logs.create_log_group(logGroupName=group)
    late.logs.create_log_stream(logGroupName=group, logStreamName="stream")
    late.logs.put_log_events(
        logGroupName=group,
        logStreamName="stream",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}],
    )
    first = late.logs.filter_log_events(logGroupName=group)
    assert first["events"] == []
    second = late.logs.filter_log_events(logGroupName=group, nextToken=first["nextToken"])
    assert [each["message"] for each in second["events"]] == ["hello"]
    assert "nextToken" not in second
    codes = {error_of(lambda: late.logs.filter_log_events(logGroupName=group)) for _ in range(99)}
    assert codes == {"", "ThrottlingException"}


def test_a_roles_policy_applies_late(late):
    role = late.role()
    bus = late.bus()
    client = late.as_role(role, "events")

    def may_publish():
        entry = {"EventBusName": bus, "Source": "a", "DetailType": "b", "Detail": "{}"}
        return error_of(lambda: client.put_events(Entries=[entry])) != "AccessDeniedException"

    name = role.rpartition("/")[2]
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    late.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    assert not may_publish()
    assert late.eventually(may_publish)
    late.iam.delete_role_policy(RoleName=name, PolicyName="p")
    assert may_publish()
    assert late.eventually(lambda: not may_publish())


def test_an_alias_reaches_the_version_before_for_a_moment(late, tmp_path):
    name = late.function().name
    for number in ("1", "2"):
        publish(late, name, CALLS=str(tmp_path / number))
    arn = late.awslambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    bus = late.bus()
    late.rule(bus, arn["AliasArn"])

    def ran(version):
        return (
            len((tmp_path / version).read_text().splitlines())
            if (tmp_path / version).exists()
            else 0
        )

    def reaches_the_version_before():
        late.awslambda.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
        late.eventually(lambda: sent_reaches("1"))
        late.awslambda.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
        shown = late.awslambda.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        assert shown == "2"
        return sent_reaches("1")

    def sent_reaches(version):
        before = ran(version)
        late.publish(bus)
        late.settle()
        return ran(version) > before

    assert late.eventually(reaches_the_version_before)
    assert late.eventually(lambda: sent_reaches("2"))


@pytest.mark.parametrize("change", ["update_function_configuration", "publish_version"])
def test_a_function_that_is_being_updated_takes_no_change(late, change):
    name = late.function().name
    settled = late.awslambda.get_waiter("function_updated_v2")
    settled.wait(FunctionName=name)
    late.awslambda.update_function_configuration(FunctionName=name, Description="first")
    with pytest.raises(ClientError, match="An update is in progress"):
        getattr(late.awslambda, change)(FunctionName=name, Description="second")
    settled.wait(FunctionName=name)
    getattr(late.awslambda, change)(FunctionName=name, Description="second")


def publish(lab, name, **variables):
    lab.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)
    lab.awslambda.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables}
    )
    lab.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)
    lab.awslambda.publish_version(FunctionName=name)


def test_a_transaction_in_twenty_meets_another_one(late):
    dynamodb = late.client("dynamodb")
    table = late.name("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    refused = []
    for number in range(20):
        put = {"Put": {"TableName": table, "Item": {"id": {"S": str(number)}}}}
        other = {"Put": {"TableName": table, "Item": {"id": {"S": f"other-{number}"}}}}
        try:
            dynamodb.transact_write_items(TransactItems=[put, other])
        except ClientError as error:
            refused.append([each["Code"] for each in error.response["CancellationReasons"]])
    assert refused == [["None", "TransactionConflict"]]
    assert dynamodb.scan(TableName=table)["Count"] == 38


def test_a_delivery_in_twenty_comes_a_second_time(late):
    function = late.function()
    bus = late.bus()
    late.rule(bus, function.arn)
    late.publish(bus, 100)
    late.settle()
    assert 100 < len(function.calls()) < 130
