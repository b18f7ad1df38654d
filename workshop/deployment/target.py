"""Where a stack is: the local cloud, or an AWS account reached in the usual way."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workshop.paths import CLOUDS

LOCAL_ACCOUNT = "000000000000"
LOCAL_REGION = "us-east-1"
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Target:
    """A cloud that holds one stack.

    Attributes:
        name: ``default`` for learners, ``test`` for the tests, ``aws-<account>-<region>`` for AWS.
        region: The region of everything in the stack.
        account: The account's number.
        endpoint_url: Address of the local cloud; None on AWS.
        own: Whether it is a local cloud that the workshop started, with credentials of its own.
            Otherwise the caller's environment says how it is reached.
    """

    name: str
    region: str
    account: str
    endpoint_url: str | None
    own: bool

    @classmethod
    def local(cls, name: str, endpoint_url: str) -> "Target":
        """A local cloud of the workshop's own."""
        return cls(name, LOCAL_REGION, LOCAL_ACCOUNT, endpoint_url, own=True)

    @property
    def directory(self) -> Path:
        """What the tools keep about this cloud."""
        return CLOUDS / self.name

    def exports(self) -> dict[str, str]:
        """The variables that make any AWS tool talk to this cloud."""
        exports = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region, "AWS_PAGER": ""}
        if self.endpoint_url:
            exports |= {"AWS_ENDPOINT_URL": self.endpoint_url}
        if self.own:
            exports |= LOCAL_CREDENTIALS
            if _proxies():
                exports["NO_PROXY"] = f"{_proxied_nowhere()},{_NO_PROXY}".strip(",")
        return exports

    def unsets(self) -> list[str]:
        """Variables that are set now and would lead an AWS tool elsewhere."""
        misleading = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")
        return [name for name in misleading if self.own and name in os.environ]

    def environment(self) -> dict[str, str]:
        """The environment for a program that shall work on this cloud and no other."""
        if not self.own:
            return os.environ | self.exports()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return clean | nothing | {"AWS_EC2_METADATA_DISABLED": "true"} | self.exports()

    @lru_cache  # noqa: B019 - targets live as long as the process
    def client(self, service: str) -> Any:
        """A boto3 client for a service of this cloud."""
        return self._client(service)

    @lru_cache  # noqa: B019 - targets live as long as the process
    def patient_client(self, service: str, seconds: float) -> Any:
        """A boto3 client that waits so long for an answer, and never asks a second time.

        For calls that do something each time, and may take longer than boto3's usual 60 s.
        """
        return self._client(service, read_timeout=seconds, retries={"total_max_attempts": 1})

    def _client(self, service: str, **settings: Any) -> Any:
        from botocore.config import Config

        if not self.own:
            return self.session().client(service, config=Config(**settings))
        return self.session().client(
            service, endpoint_url=self.endpoint_url, config=Config(proxies={}, **settings)
        )

    @lru_cache  # noqa: B019 - targets live as long as the process
    def session(self) -> Any:
        """The credentials and the region of this cloud, as a boto3 session."""
        import boto3
        import botocore.session

        if not self.own:
            return boto3.Session(region_name=self.region)
        core = botocore.session.Session(
            {  # whatever the user's own settings say, these clients reach the local cloud
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
                "ca_bundle": (None, None, None, None),
            }
        )
        core.set_credentials(*LOCAL_CREDENTIALS.values())
        return boto3.Session(botocore_session=core, region_name=self.region)


_NO_PROXY = ",".join(LOOPBACK)


def taken_back() -> dict[str, str | None]:
    """The variables of all that a target exports, with what they were before; None: not set."""
    local = Target.local("", "http://127.0.0.1")
    before: dict[str, str | None] = dict.fromkeys(name for name in local.exports())
    if "NO_PROXY" in os.environ:
        before["NO_PROXY"] = _proxied_nowhere() or None
    return before


def _proxied_nowhere() -> str:
    """What NO_PROXY says by itself, without what a target exports."""
    return os.environ.get("NO_PROXY", "").removesuffix(_NO_PROXY).rstrip(",")


def _proxies() -> bool:
    return any(name.lower() in {"http_proxy", "all_proxy"} for name in os.environ)
