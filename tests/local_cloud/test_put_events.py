"""Which entries PutEvents refuses, in memory."""

import pytest

from local_cloud.delivery import put_events

ENTRY = {"Source": "shop", "DetailType": "Sold", "Detail": "{}"}


@pytest.mark.parametrize("detail", ["{}", ' {"n": 1e5} ', '{"a": {"b": [null, true]}}', '{"ü": 1}'])
def test_an_object_is_a_detail(detail):
    assert put_events.error_of({**ENTRY, "Detail": detail}) is None


@pytest.mark.parametrize(
    "detail",
    [" ", "{", "[{}]", "true", '"{}"', "{'a': 1}", '{"a": NaN}', '{"a": 1,}', "[" * 100_000],
)
def test_anything_else_is_malformed(detail):
    error = put_events.error_of({**ENTRY, "Detail": detail})
    assert error == ("MalformedDetail", "Detail is malformed.")


def test_the_first_missing_field_is_reported():
    for gone in ("Source", "DetailType", "Detail"):
        code, message = put_events.error_of({**ENTRY, gone: None}) or ("", "")
        assert code == "InvalidArgument"
        assert message.startswith(f"Parameter {gone} ")
    assert "Source" in str(put_events.error_of({}))


def test_the_size_counts_bytes_of_all_fields():
    entry = {"Source": "ü", "DetailType": "12", "Detail": "{}", "Resources": ["123", "4"]}
    assert put_events.size(entry) == 2 + 2 + 2 + 4
    assert put_events.size({**entry, "Time": 0}) == 10 + 14
    assert put_events.size({}) == 0


def test_the_limit_is_the_largest_size_that_is_accepted():
    detail = "x" * (put_events.REQUEST_LIMIT // 2 - len("shopSold"))
    entry = {**ENTRY, "Detail": detail}
    assert not put_events.over_the_limit([entry] * 2)
    assert put_events.over_the_limit([entry, {**entry, "Detail": f"{detail}x"}])


def test_a_time_may_be_a_number_or_a_text():
    assert put_events.time_of({"Time": 1640995200}) == 1640995200
    assert put_events.time_of({"Time": "2022-01-01T00:00:00Z"}) == 1640995200
    assert put_events.time_of(ENTRY) is None
