"""Run the README's story in a real AWS account."""
