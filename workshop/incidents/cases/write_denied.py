"""A second policy denies a role its table: Terraform does not know it, so `make up` keeps it."""

from random import Random
from typing import Any

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import RolePolicy


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key, doing = pick.choice([("inventory", "is reserved"), ("shipping", "ships")])
    name = pick.choice(["audit-freeze", "security-review", "quarantine"])

    def freeze(_: Any) -> dict[str, Any]:
        actions = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
        statement = {"Sid": "Freeze", "Effect": "Deny", "Action": actions, "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    return Incident(
        name="write_denied",
        title="Broken since the audit",
        symptom=f"""\
Since the security audit of this morning the shop takes orders and money, but nothing
{doing}. A colleague has already run `make up` twice. Terraform changed nothing, and the orders
are still stalled.""",
        hints=(
            f"""\
The function runs, and it fails. What does it log, and with which words exactly?
  make logs ARGS={key}""",
            f"""\
An explicit deny is stronger than every allow. Terraform manages the policy own-resources of this
role. Which other policies does the role have?
  eval "$(make -s env)"
  aws iam list-role-policies --role-name orderflow-{key}""",
            f"""\
Delete the policy that Terraform does not know, then redrive:
  aws iam delete-role-policy --role-name orderflow-{key} --policy-name {name}
  make redrive""",
        ),
        debrief=f"""\
The audit added the policy {name} to the role orderflow-{key}. It denies writes to tables.
Terraform manages only what it created: an additional policy is no difference for it, so
`make up` leaves it in place. An explicit deny always wins.

How to find it: the log says that the role has an explicit deny, not that it has no permission.
`aws iam list-role-policies` lists its policies, and `aws iam get-role-policy` shows one.

How to repair it: talk to the people of the audit, then `aws iam delete-role-policy`, and
`make redrive`. On AWS an account-wide deny can also come from a service control policy or a
permissions boundary. CloudTrail shows who called PutRolePolicy.""",
        orders=orders(pick, 2),
        changes=(Change(RolePolicy(key, name), freeze),),
    )
