"""Embeddable widgets for a trading account, from a broker's Client Cabinet API."""

__version__ = "0.1.0"
