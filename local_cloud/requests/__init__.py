"""Requests as AWS reads them: decoded and held against botocore's service models.

Knows botocore, and no emulator.
"""
