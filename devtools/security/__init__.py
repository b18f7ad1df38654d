"""What keeps the stack and its pipeline safe: scanners, and checks of what Terraform plans."""
