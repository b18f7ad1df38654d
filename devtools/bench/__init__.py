"""What the system costs in time, size and requests, each figure beside its floor."""
