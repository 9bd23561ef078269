"""The figures of one account: cached responses of the API, and what is calculated from them.

Imports from ``api`` only.
"""
