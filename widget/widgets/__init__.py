"""The widgets, one module each, and what they are declared with (``base``, ``options``).

A widget imports no renderer. Imports from ``data`` and ``api``; ``registry`` finds the widgets.
"""
