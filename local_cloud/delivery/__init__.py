"""Delivery of events as AWS documents it; knows no emulator."""
