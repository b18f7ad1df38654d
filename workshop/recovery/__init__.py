"""Recovery: dead letters, redrive, and re-publishing stalled orders."""
