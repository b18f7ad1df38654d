"""What a learner has done so far, and what comes next."""
