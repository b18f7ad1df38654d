"""Exercises: something broken in the learner's working copy, to be mended, and put back."""
