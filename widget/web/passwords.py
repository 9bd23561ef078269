"""Checks of passwords, which are limited in number."""

from collections.abc import Callable
from contextlib import suppress

from flask import request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from pydantic import SecretStr
from werkzeug.security import check_password_hash

from widget.config import Server
from widget.errors import TooManyAttempts
from widget.web import access
from widget.web.request_data import visitor_address

ATTEMPT_LIMIT = "10 per minute"
"""Limit of password attempts from one address for one account."""


class PasswordAttempts:
    """Checks passwords, a limited number of times for each address and account.

    Args:
        limiter: counts the attempts. It is not attached to a route, so that only the requests that
            get as far as a password check are counted.
        server: the settings of the service.
    """

    def __init__(self, limiter: Limiter, server: Server) -> None:
        def attempt_key() -> str:
            slug = (request.view_args or {}).get("slug")  # None for the studio
            network = access.client_network(visitor_address(server))
            return f"{network} {slug}"

        self._limiter = limiter
        # Flask-Limiter counts the calls of a decorated function, so there has to be one.
        count = limiter.limit(ATTEMPT_LIMIT, key_func=attempt_key)
        self._count = count(_do_nothing)

    def verify(self, stored: SecretStr | None, password: Callable[[], str]) -> bool:
        """Whether a password matches a stored hash.

        The attempt is counted before the password is read from the request, since that may take a
        while. A correct password resets the count, because the widgets of a page are unlocked one
        by one.

        Args:
            stored: the hash; None matches no password.
            password: reads the password from the request.

        Raises:
            TooManyAttempts: the limit is exceeded.
        """
        try:
            self._count()
        except RateLimitExceeded:
            raise TooManyAttempts("passwords") from None
        if stored is None:
            return False
        is_right = check_password_hash(stored.get_secret_value(), password())
        if is_right:
            self._reset()
        return is_right

    def _reset(self) -> None:
        for limit in self._limiter.current_limits:
            with suppress(Exception):  # Redis may be unreachable, which must not lock anybody out
                self._limiter.limiter.clear(limit.limit, *limit.request_args)


def _do_nothing() -> None:
    pass
