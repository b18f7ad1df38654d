"""Measure the system's time, size and requests, each compared with the lowest possible value."""
