"""All errors of the service.

Each error that becomes a response has an HTTP ``status``, a ``code`` for JSON and a public
``message`` for visitors (a gettext msgid without details). Its debug text, ``str(error)``, has the
details and goes to the log only.
"""

from datetime import datetime


def N_(message: str) -> str:
    """Mark a string for translation. It is translated when it is rendered."""
    return message


class CabinetError(Exception):
    """An error with a message for visitors.

    Base class of all errors that become an HTTP response.
    """

    status: int = 500
    code: str = "internal"
    message: str = N_("Something went wrong on our side. The error has been logged.")
    retry_after: float | None = None
    """Seconds after which another attempt makes sense, or None."""


class BadOption(CabinetError):
    """An option of the URL is unknown, repeated, malformed or out of range."""

    status = 400
    code = "bad_option"

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"{option}: {why}")
        self.option = option
        self.why = why


class Locked(CabinetError):
    """The account is closed and the request has no valid credentials."""

    status = 401
    code = "locked"
    message = N_("This widget is private.")


class WrongPassword(Locked):
    """The viewer password is wrong."""

    code = "wrong_password"
    message = N_("Wrong password. Please try again.")


class Expired(Locked):
    """The token was valid and has expired."""

    code = "expired"
    message = N_("Access to this widget has expired. Reload the page to renew it.")


class Forbidden(CabinetError):
    """The request comes from outside the account's networks."""

    status = 403
    code = "forbidden"
    message = N_("This widget is not available from your network.")


class NotFound(CabinetError):
    """There is no such account or widget, or the widget is not enabled.

    The response does not say which.
    """

    status = 404
    code = "not_found"
    message = N_("There is no such widget.")


class NoSuchPage(NotFound):
    """The path is none of this service's, or the account has no page."""

    message = N_("There is no such page.")


class RequestError(CabinetError):
    """A request that cannot be handled, whatever its options: its method or its size is wrong.

    Args:
        status: the HTTP status.
        name: the name of that status, such as ``Method Not Allowed``.
    """

    message = N_("This request is not valid.")

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status = status
        self.code = name.lower().replace(" ", "_")


class TooManyAttempts(CabinetError):
    """Too many passwords were entered, from one address, for one account, or at the same time."""

    status = 429
    code = "too_many_tries"
    message = N_("Too many attempts. Please wait a minute.")
    retry_after = 60.0


class Overloaded(CabinetError):
    """Too many pictures are requested at the same time."""

    status = 503
    code = "overloaded"
    message = N_("These figures are temporarily unavailable.")
    retry_after = 1.0


class NotOffered(CabinetError):
    """The account's API has no such function, or no password for it is configured."""

    status = 501
    code = "not_offered"
    message = N_("This broker's API does not offer these figures.")


class UpstreamError(CabinetError):
    """A call to the upstream failed."""

    message = N_("These figures are temporarily unavailable.")


class Refused(UpstreamError):
    """The upstream refuses the account's credentials, or this server's address."""

    status = 502
    code = "upstream_refused"


class Unreadable(UpstreamError):
    """The response of the upstream is not what the function should return."""

    status = 502
    code = "upstream_unreadable"


class NoSuchPath(Unreadable):
    """The upstream does not know the requested path."""


class Unavailable(UpstreamError):
    """The upstream cannot be reached, is overloaded, or did not respond within the deadline."""

    status = 503
    code = "upstream_unavailable"

    def __init__(self, debug: str, retry_after: float | None = None) -> None:
        super().__init__(debug)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """The upstream wants fewer calls for the account (429)."""


class ServerFailure(Unavailable):
    """The upstream responds with a status of 500 or more."""


class Unreachable(Unavailable):
    """There is no connection to the upstream: nobody listens, no route, no address, no TLS."""


class NotCalled(Unavailable):
    """The upstream was not called, because it is down."""


class Delayed(CabinetError):
    """The account is displayed with a delay, and its first figures are not old enough yet.

    The renderer inserts ``available_at`` into the message.
    """

    status = 503
    code = "delayed"
    message = N_("These figures are shown with a delay. They are available from %(time)s.")

    def __init__(self, available_at: datetime, retry_after: float) -> None:
        super().__init__(f"no snapshot is old enough before {available_at:%Y-%m-%dT%H:%M:%SZ}")
        self.available_at = available_at
        self.retry_after = retry_after


class OperatorError(Exception):
    """A mistake in the setup, to be fixed by the operator.

    Its text is one line: what is wrong and what to do.
    """


class ConfigError(OperatorError):
    """All mistakes in the configuration, each with its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
