"""The conventional twin: the same four steps, written the way most samples are."""
