"""Recovery: the redrive of dead letters, and the reconciler of stalled orders."""
