"""Widgets as HTML, JSON and pictures, in every language.

Pure: no request, no clock, no I/O other than templates. Imports from ``widgets``, ``data`` and
``api``.
"""
