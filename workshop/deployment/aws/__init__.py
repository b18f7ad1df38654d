"""Deploy to an AWS account."""
