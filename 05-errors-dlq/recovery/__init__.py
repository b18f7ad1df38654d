"""The way back: dead letters redriven, orders that stand still announced again."""
