"""Bringing the stack to a cloud, and knowing what is there."""
