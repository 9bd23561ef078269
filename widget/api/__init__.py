"""The broker's Client Cabinet API: calls over HTTP, and their responses as typed records.

Imports nothing of the other packages.
"""
