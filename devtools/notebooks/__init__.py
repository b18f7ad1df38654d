"""Notebooks as files: check, run and open them."""
