"""Exercises: something broken in the learner's working copy, to fix and to reset."""
