"""Which requests the local cloud objects to, by their headers alone."""

import pytest

from local_cloud.endpoints.origin_check import objection

HOST = (b"host", b"127.0.0.1:4566")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:4566",
        "localhost",
        "LOCALHOST:80",
        "[::1]:4566",
        "a1b2.execute-api.localhost:4566",
        "my_bucket.s3.localhost",
    ],
)
def test_the_local_cloud_answers_to_its_own_names(host: str) -> None:
    assert objection([(b"host", host.encode())]) == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:4566",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        ".localhost",
        "127.0.0.2",
        "0.0.0.0:4566",
        "user@localhost",
        "localhost:4566:1",
        "localhost evil.example",
    ],
)
def test_another_name_is_a_page_that_was_pointed_here(host: str) -> None:
    """DNS rebinding: the browser takes the local cloud for the page's own site."""
    assert "no other name" in objection([(b"host", host.encode())])


def test_every_host_counts_and_there_must_be_one() -> None:
    assert objection([HOST, (b"host", b"evil.example")])
    assert objection([])


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"same-origin", b""])
def test_what_a_page_fetches_is_refused(site: bytes) -> None:
    assert "web pages" in objection([HOST, (b"sec-fetch-site", site)])


def test_the_address_bar_is_a_person() -> None:
    assert objection([HOST, (b"sec-fetch-site", b"none")]) == ""


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://127.0.0.1:4566"])
def test_a_named_origin_is_refused(origin: bytes) -> None:
    assert "web pages" in objection([HOST, (b"origin", origin)])
