"""The error tree: what can go wrong, in a visitor's words, in the log's words, and as an HTTP status.

Each error has a public ``message`` (a gettext msgid, shown to visitors and in JSON, free of evidence) and a debug text
(``str(error)``, for the log). The mapping to HTTP happens once, in ``web``.
"""

from typing import ClassVar


def N_(message: str) -> str:
    """Mark a string for translation where it is defined; it is translated where it is shown."""
    return message


class CabinetError(Exception):
    """What this service knows how to say to a visitor."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    message: str = N_("Something went wrong here. It has been noted.")
    retry_after: float | None = None
    """Seconds after which another try makes sense, or None."""


class BadOption(CabinetError):
    """An option of the URL is unknown, doubled, malformed or out of range."""

    status = 400
    code = "bad_option"

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"{option}: {why}")
        self.option = option
        self.why = why


class Locked(CabinetError):
    """The account is closed and the request brought no credential that opens it."""

    status = 401
    code = "locked"
    message = N_("This widget is private.")


class WrongPassword(Locked):
    """A viewer password was tried and is not the account's."""

    code = "wrong_password"
    message = N_("That is not the password. Please try again.")


class Expired(Locked):
    """A token that was good once and is no longer."""

    code = "expired"
    message = N_("The access to this widget has run out. Reload the page to renew it.")


class Forbidden(CabinetError):
    """The request comes from outside the account's networks."""

    status = 403
    code = "forbidden"
    message = N_("This widget is not available from your network.")


class NotFound(CabinetError):
    """No such account, no such widget, or one that is not enabled: nobody is told which."""

    status = 404
    code = "not_found"
    message = N_("There is no such widget.")


class TooManyAttempts(CabinetError):
    """Too many passwords were tried from one address."""

    status = 429
    code = "too_many_tries"
    message = N_("Too many tries. Please wait a minute.")
    retry_after = 60.0


class NotOffered(CabinetError):
    """The account's API has no such function, or no password for it is configured."""

    status = 501
    code = "not_offered"
    message = N_("This broker's API does not offer these figures.")


class UpstreamError(CabinetError):
    """The upstream did not answer a call as it should."""

    message = N_("These figures are temporarily unavailable.")


class Refused(UpstreamError):
    """The upstream refuses the account's credentials, or this server's address."""

    status = 502
    code = "upstream_refused"


class Unreadable(UpstreamError):
    """The upstream answered with something that cannot be read as what was asked for."""

    status = 502
    code = "upstream_unreadable"


class NoSuchPath(Unreadable):
    """The upstream answered that it cannot be asked for this."""


class Unavailable(UpstreamError):
    """The upstream cannot be reached, is overloaded, or did not answer within the deadline."""

    status = 503
    code = "upstream_unavailable"

    def __init__(self, debug: str, retry_after: float | None = None) -> None:
        super().__init__(debug)
        self.retry_after = retry_after


class OperatorError(Exception):
    """A mistake of the operator's making: one line that says what is wrong and what to do."""


class ConfigError(OperatorError):
    """Everything that is wrong in the configuration, each line with its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
