"""The learner's progress: what is done, and what comes next."""
