"""The account that the tests of a deployment to AWS share."""

from tests.fixtures.account import bare, deployer, owner, planner

__all__ = ["bare", "deployer", "owner", "planner"]
