"""What is recorded of an account names neither the account nor anybody."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workshop.deployment.redaction import redacted

IDENTIFIES = re.compile(
    r"\d{12}|AKIA|ASIA|[\w.+-]+@[\w-]+\.[\w.-]+|[0-9a-f]{8}-[0-9a-f]{4}-|\b10\.\d+\.\d+\.\d+\b"
)


def leaves(value):
    """Yield every name, text and number in a value, as text."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield str(value)


def as_json(value):
    """Return a value as a text that a message may hold."""
    return json.dumps(value, default=str)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

identifying = st.one_of(
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.from_regex(r"A(KIA|SIA)[A-Z2-7]{16}", fullmatch=True),
    st.emails(),
    st.uuids().map(str),
    st.from_regex(r"10(\.(1?[0-9]?[0-9])){3}", fullmatch=True),
)
texts = st.lists(
    st.one_of(identifying, st.sampled_from([" ", ":", "/", '"', "%40", "=", "&"]), st.text()),
    max_size=5,
).map("".join)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.binary(),
        texts,
        identifying,
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(texts, inner),
        st.dictionaries(texts, inner).map(as_json),
    ),
    max_leaves=8,
)


@unhurried
@given(values)
def test_no_id_remains_in_what_is_recorded(value):
    assert [each for each in leaves(redacted(value)) if IDENTIFIES.search(each)] == []


@unhurried
@given(values)
def test_what_is_recorded_can_be_written_as_json(value):
    assert json.loads(json.dumps(redacted(value))) == redacted(value)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("arn:aws:iam::123456789012:user/jane", "arn:aws:iam::<account>:user/<name>"),
        (
            "arn:aws:sts::123456789012:assumed-role/Admin/jane@example.org",
            "arn:aws:sts::<account>:assumed-role/<name><email>",
        ),
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orderflow-proof-q",
            "https://<host>/<account>/orderflow-proof-q",
        ),
        (
            "arn:aws:execute-api:eu-west-1:123456789012:abcdefghij/*/POST/orders",
            "arn:aws:execute-api:eu-west-1:<account>:<id>/*/POST/orders",
        ),
        ("/v2/apis/abcdefghij/routes/x1y2z3", "/v2/apis/<id>/routes/<id>"),
        ("abcdefghij.execute-api.eu-west-1.amazonaws.com", "<host>"),
        ("from 192.0.2.7:443 and 2001:db8::1", "from <ip>:443 and <ip>"),
        ("2024/11/29/[1]0123456789abcdef0123456789abcdef", "<date>/[1]<hex>"),
        ("a 2024-11-29T10:11:12.123+00:00", "a <date>"),
        ("<RequestId>Q4OY</RequestId><A>a</A>", "<RequestId><id></RequestId><A>a</A>"),
        ("Email=jane%40example.org&Name=a", "Email=<email>&Name=a"),
        ('{"NextToken": "abc", "n": [1]}', '{"NextToken": "<secret>", "n": [1]}'),
        ({"ApiId": "abcdefghij", "Name": "a"}, {"ApiId": "<id>", "Name": "a"}),
        ({"ReceiptHandle": "AQEB"}, {"ReceiptHandle": "<secret>"}),
        ([datetime(2024, 11, 29, tzinfo=UTC), 1732838400.1], ["<date>", "<date>"]),
        ({"Zip": b"PK"}, {"Zip": "<bytes>"}),
    ],
)  # fmt: skip
def test_an_id_is_replaced_and_the_rest_is_kept(value, left):
    assert redacted(value) == left


@pytest.mark.parametrize(
    "value",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}, "Version": "2012-10-17"},
        {"StatementId": "rule-to-live", "Id": "shipping", "Timeout": 25, "N": "4900"},
        {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."},
        "/2015-03-31/functions/orderflow-proof-payment-refund/versions",
        "python3.13",
        None,
    ],
)
def test_what_identifies_nobody_is_kept(value):
    assert redacted(value) == value
