"""Deploy to the local cloud."""
