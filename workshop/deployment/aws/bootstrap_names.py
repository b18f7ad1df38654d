"""What `make bootstrap` makes in an account, by name: the one place these names are spelled."""

from dataclasses import dataclass

STATE_KEY = "_bootstrap/terraform.tfstate"
"""Where the bootstrap's own Terraform state lies in its bucket: no prefix begins like this."""

PLANS = "_plans/"
"""Prefix of plans in the same bucket until they are applied; Terraform's local `plans`."""

PATH = "/bootstrap/"
"""IAM path of the bootstrap's roles and policy: no pattern ``role/<prefix>-*`` matches it."""


@dataclass(frozen=True)
class Names:
    """Names in one account and region of what a bootstrap with one prefix makes."""

    state_bucket: str
    plan_role: str
    deploy_role: str
    boundary: str
    boundary_arn: str

    @property
    def roles(self) -> tuple[str, str]:
        """Both roles that GitHub's workflows take."""
        return self.plan_role, self.deploy_role


def names(prefix: str, account: str, region: str, partition: str = "aws") -> Names:
    """The names for a prefix, an account's number and a region."""
    boundary = f"boundary-{prefix}"
    return Names(
        state_bucket=f"tfstate-{prefix}-{account}-{region}",
        plan_role=f"github-{prefix}-plan",
        deploy_role=f"github-{prefix}-deploy",
        boundary=boundary,
        boundary_arn=f"arn:{partition}:iam::{account}:policy{PATH}{boundary}",
    )


def stack_tag(prefix: str) -> str:
    """The tag `Stack` of all that a bootstrap makes: not that of the stack itself."""
    return f"{prefix}-bootstrap"
