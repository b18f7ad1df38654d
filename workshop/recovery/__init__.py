"""What failed for good: dead letters seen and brought back, orders announced again."""
