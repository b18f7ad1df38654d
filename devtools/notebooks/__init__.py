"""Notebooks as files: checked, run anew, opened."""
