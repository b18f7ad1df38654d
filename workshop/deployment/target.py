"""Where a stack is: the local cloud, or an AWS account reached in the usual way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workshop.deployment.aws_errors import LOGIN
from workshop.errors import UsageError, WorkshopError
from workshop.paths import CLOUDS

LOCAL_ACCOUNT = "000000000000"
LOCAL_REGION = "us-east-1"
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
RECORD_VARIABLE = "WORKSHOP_RECORD"
"""Names a folder: what boto3 sends to an account and receives is recorded there, without ids."""
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
        """Return the variables that lead AWS tools to this cloud."""
        exports = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region, "AWS_PAGER": ""}
        if self.endpoint_url:
            exports |= {"AWS_ENDPOINT_URL": self.endpoint_url}
        if self.own:
            exports |= LOCAL_CREDENTIALS
            # Profiles may lead elsewhere, or say that endpoints from the environment do not count.
            exports |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
            exports |= {"AWS_EC2_METADATA_DISABLED": "true"}
            if _proxies():  # many tools read the second name first
                exports |= dict.fromkeys(_NO_PROXY_NAMES, _not_by_proxy())
        return exports

    def environment(self) -> dict[str, str]:
        """Return the environment for a program that shall work on this cloud and no other."""
        if not self.own:
            return os.environ | self.exports()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return clean | self.exports()

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
            with usable_settings():
                return self.session().client(service, config=Config(**settings))
        return self.session().client(
            service, endpoint_url=self.endpoint_url, config=Config(proxies={}, **settings)
        )

    @lru_cache  # noqa: B019 - targets live as long as the process
    def session(self) -> Any:
        """Return the credentials and the region of this cloud, as a boto3 session."""
        import boto3
        from botocore.session import Session

        if not self.own:
            with usable_settings():
                return recorded(boto3.Session(region_name=self.region))
        # Whatever the user's own settings say, these clients reach the local cloud.
        settings = {
            name: (None, None, default, convert)
            for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
        }
        nothing = (None, None, os.devnull, None)
        core = Session(settings | {"config_file": nothing, "credentials_file": nothing})
        for name in ("s3", "proxies_config"):  # of which a session knows no variables
            core.get_component("config_store").set_config_variable(name, {})
        core.set_credentials(*LOCAL_CREDENTIALS.values())
        return boto3.Session(botocore_session=core, region_name=self.region)


def recorded(session: Any) -> Any:
    """Return a boto3 session; its requests are recorded if the environment names a folder."""
    if folder := os.environ.get(RECORD_VARIABLE):
        from workshop.deployment import recording  # noqa: PLC0415 - seldom needed

        recording.watch(session, Path(folder), os.environ.get("NAME_PREFIX", "orderflow"))
    return session


@contextmanager
def usable_settings() -> Iterator[None]:
    """Report in a sentence that a setting of the user's for AWS cannot be used.

    Raises:
        UsageError: A value in the environment or in AWS's configuration file is none.
        WorkshopError: The credentials are those of `aws login`.
    """
    from botocore.exceptions import BotoCoreError, MissingDependencyException

    try:
        yield
    except MissingDependencyException as error:
        raise WorkshopError(f"These are the credentials of `aws login`. {LOGIN}") from error
    except (BotoCoreError, ValueError) as error:
        names = ", ".join(sorted(name for name in os.environ if name.startswith("AWS_")))
        raise UsageError(
            f"A setting for AWS cannot be used: {error}. "
            f"Look at your AWS configuration file{f' and at {names}' if names else ''}."
        ) from error


_NO_PROXY = ",".join(LOOPBACK)
_NO_PROXY_NAMES = ("NO_PROXY", "no_proxy")


def _not_by_proxy() -> str:
    """Return the hosts that no proxy is asked for: the user's own, and this machine."""
    own = next((os.environ[name] for name in _NO_PROXY_NAMES[::-1] if name in os.environ), "")
    return f"{own.removesuffix(_NO_PROXY).rstrip(',')},{_NO_PROXY}".strip(",")


def _proxies() -> bool:
    return any(name.lower() in {"http_proxy", "all_proxy"} for name in os.environ)
