"""Whose AWS settings count: on a local cloud none of the user's, in an account those that fit."""

import boto3
import pytest
from botocore.stub import Stubber

from workshop.deployment.aws import account_stack
from workshop.deployment.target import Target
from workshop.errors import UsageError

TYPOS = {
    "AWS_RETRY_MODE": "standart",
    "AWS_MAX_ATTEMPTS": "0",
    "AWS_DEFAULTS_MODE": "typo",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "typo",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "typo",
    "AWS_STS_REGIONAL_ENDPOINTS": "typo",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "typo",
    "AWS_METADATA_SERVICE_TIMEOUT": "soon",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "small",
    "AWS_CSM_PORT": "typo",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "typo",
}
MISLEADING = TYPOS | {
    "AWS_CSM_ENABLED": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    "AWS_PROFILE": "no-such-profile",
    "AWS_DATA_PATH": "/nowhere",
    "AWS_CA_BUNDLE": "/nowhere.pem",
    "AWS_CONFIG_FILE": "/etc/hosts",
    "HTTP_PROXY": "http://127.0.0.1:1",
}
SERVICES = ("dynamodb", "events", "iam", "lambda", "logs", "s3", "sqs", "sts")


@pytest.fixture
def user(monkeypatch):
    """Sets the user's settings."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return lambda settings: [monkeypatch.setenv(*each) for each in settings.items()]


def test_local_cloud_is_reached_whatever_the_user_has_set(user):
    user(MISLEADING)
    target = Target.local("default", "http://127.0.0.1:4999")
    for service in SERVICES:
        client = target.client(service)
        assert client.meta.endpoint_url == "http://127.0.0.1:4999"
        assert client.meta.config.proxies == {}
    with Stubber(target.client("sts")) as stubbed:  # at a request some settings count, too
        stubbed.add_response("get_caller_identity", {"Account": "0"})
        assert target.client("sts").get_caller_identity()["Account"] == "0"


@pytest.mark.parametrize("name", TYPOS)
def test_typo_in_a_setting_is_one_sentence_in_an_account(user, name):
    """Clients are made when they are needed, so each of them may be the first to notice."""
    user({name: TYPOS[name], "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    target = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    noticed = []
    for service in SERVICES:
        try:
            target.client(service)
        except UsageError as error:
            noticed.append(str(error))
    assert all(name in each and "\n" not in each for each in noticed)
    if name in {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_DEFAULTS_MODE"}:
        assert len(noticed) == len(SERVICES)


def test_profile_region_and_credentials_of_the_user_count_in_an_account(user, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nregion = eu-west-1\naws_access_key_id = mine\naws_secret_access_key = b\n"
    )
    user({"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "work"})
    session = Target("aws-1-eu-west-1", "eu-west-1", "1", None, own=False).session()
    assert session.profile_name == "work"
    assert boto3.Session().region_name == "eu-west-1"


@pytest.mark.parametrize("name", ["AWS_RETRY_MODE", "AWS_PROFILE", "AWS_STS_REGIONAL_ENDPOINTS"])
def test_typo_is_one_sentence_where_the_account_is_asked_for(user, name):
    user({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"})
    user({name: "typo"})
    with pytest.raises(UsageError, match=name) as caught:
        account_stack.target("orderflow")
    assert "\n" not in str(caught.value)
