"""Run Terraform: find it, prepare its configuration, show its progress."""
