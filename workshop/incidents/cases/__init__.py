"""The incidents, one in each module: `incident(pick)` returns it with details from a seed."""
