"""A simulated Client Cabinet API, and the demonstration that uses it.

``book`` and ``api`` import nothing else of this project, so that they cannot share an error with
the client that reads them. Only the command line and the tests import this package.
"""
