"""Placing orders and seeing where they are."""
