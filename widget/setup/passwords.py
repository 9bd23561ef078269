"""Passwords that visitors enter: asks for one, and says what is wrong with it."""

import click

from widget.errors import OperatorError

# Even if a browser encodes every character by three bytes for each byte of UTF-8, the password fits
# into the body of a request (``app.MAX_BODY_BYTES``).
MAX_LENGTH = 256
SHORT_LENGTH = 8
"""With fewer characters, a password can be guessed within the allowed attempts of a few weeks."""


def ask(question: str) -> str:
    """The password that a person types twice, without seeing it."""
    typed: str = click.prompt(
        question,
        hide_input=True,
        confirmation_prompt=True,
        err=True,  # standard output may be redirected, and must contain the hash only
    )
    return typed


def check(password: str) -> None:
    """Make sure that a password can be used.

    Raises:
        OperatorError: it cannot.
    """
    if not password:
        raise OperatorError(
            "the password is empty; type one or send it on the first line of standard input"
        )
    # The decoder replaces what is not UTF-8 by U+FFFD.
    if len(password) > MAX_LENGTH or "\ufffd" in password:
        raise OperatorError(f"the password must be UTF-8 and have at most {MAX_LENGTH} characters")


def warning(password: str) -> str:
    """That a password is short; empty if it is not."""
    if len(password) >= SHORT_LENGTH:
        return ""
    return (
        f"warning: the password has only {len(password)} characters and may be guessed;"
        f" use at least {SHORT_LENGTH}"
    )
