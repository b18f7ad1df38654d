"""Plans for an AWS account, made without an account.

One run of Terraform plans every stage in two regions, a second stack, and the bootstrap. Each is a
module of a root that is written for this. The provider sends one request, GetCallerIdentity, and a
stub on loopback responds. Nothing exists yet, so ids and ARNs from AWS are unknown, and so is each
policy that contains one.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from devtools.security.plans import ALARM_ADDRESS, PREFIX, Plan, bootstrap_variables
from workshop.deployment.target import Target
from workshop.deployment.terraform.runner import REPOSITORY, Configuration, Terraform
from workshop.paths import BUNDLES, CICD, ROOT, STAGES, STATE, TERRAFORM, TERRAFORM_LOCK

REGIONS = ("us-east-1", "eu-central-1")
ACCOUNT = "123456789012"
SECOND_PREFIX = "shop"
"""Start of the names of a second stack in the same account and region."""

_ROOT = "plan"
_IDENTITY = f"""\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>{ACCOUNT}</Account><UserId>AIDAEXAMPLE</UserId>
<Arn>arn:aws:iam::{ACCOUNT}:user/administrator</Arn></GetCallerIdentityResult>
</GetCallerIdentityResponse>""".encode()


def stack_name(region: str, stage: int, prefix: str = PREFIX) -> str:
    """Return the name of a stack's plan in `offline_plans`."""
    return f"{prefix}-{region}-{stage}"


def bootstrap_name(region: str) -> str:
    """Return the name of the plan of a region's bootstrap in `offline_plans`."""
    return f"bootstrap-{region}"


def offline_plans() -> dict[str, Plan]:
    """Plan all stacks and bootstraps on AWS; the bundles have been built.

    Returns:
        By name, a plan in Terraform's JSON form, of which only the planned values and the
        configuration are there.

    Raises:
        TerraformError: With Terraform's own errors.
    """
    directory = STATE / "offline-plans"
    with _stub_of_sts() as address:
        environment = Target.local("offline", address).environment()
        terraform = Terraform(directory, environment, configuration=_configuration(directory))
        terraform.init()
        planned = terraform.preview({}, from_last_run=False)
    modules = planned["planned_values"]["root_module"]["child_modules"]
    written = planned["configuration"]["root_module"]["module_calls"]
    return {
        (name := each["address"].removeprefix("module.")): {
            "planned_values": {"root_module": each},
            "configuration": {"root_module": written[name]["module"]},
        }
        for each in modules
    }


def _configuration(directory: Path) -> Configuration:
    """Write the repository's configuration without its providers, and a root that calls it."""
    base = directory / "configuration"
    shutil.rmtree(base, ignore_errors=True)
    for path in REPOSITORY.files():
        if path.name != "providers.tf":
            copy = base / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    root = base / _ROOT
    root.mkdir()
    shutil.copyfile(TERRAFORM_LOCK, root / TERRAFORM_LOCK.name)
    (root / "main.tf.json").write_text(json.dumps(_root_module(), indent=1), "utf-8")
    return Configuration(base, root)


def _root_module() -> dict[str, Any]:
    modules = {
        stack_name(region, stage): _stack(region, stage, PREFIX)
        for region in REGIONS
        for stage in STAGES
    }
    beside = REGIONS[0], STAGES[-1], SECOND_PREFIX
    modules[stack_name(*beside)] = _stack(*beside)
    for region in REGIONS:
        source = f"../{(CICD / 'terraform').relative_to(ROOT).as_posix()}"
        variables = bootstrap_variables(ACCOUNT, region)
        modules[bootstrap_name(region)] = _call(source, region, variables)
    return {
        "provider": {"aws": [{"alias": region, "region": region} for region in REGIONS]},
        "module": modules,
    }


def _stack(region: str, stage: int, prefix: str) -> dict[str, Any]:
    variables = {
        "stage": stage,
        "region": region,
        "name_prefix": prefix,
        "alarm_email": ALARM_ADDRESS,
        "bundle_dir": BUNDLES.as_posix(),
    }
    return _call(f"../{TERRAFORM.name}", region, variables)


def _call(source: str, region: str, variables: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "providers": {"aws": f"aws.{region}"}, **variables}


@contextmanager
def _stub_of_sts() -> Iterator[str]:
    """Respond to GetCallerIdentity on loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            known = b"Action=GetCallerIdentity&" in asked
            self.send_response(200 if known else 501)
            self.send_header("Content-Type", "text/xml")
            self.end_headers()
            self.wfile.write(_IDENTITY if known else b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
