"""The account that the tests of deploying for real share."""

from tests.fixtures.account import bare, deployer, owner, planner

__all__ = ["bare", "deployer", "owner", "planner"]
