"""Scanners, and our own checks of Terraform's plans."""
