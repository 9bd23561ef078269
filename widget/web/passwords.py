"""Checks of passwords, which are limited in number."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from pydantic import SecretStr
from werkzeug.security import check_password_hash

from widget.config import Server
from widget.errors import TooManyAttempts
from widget.web import access
from widget.web.request_data import visitor_address

PER_ADDRESS = RateLimitItemPerMinute(10)
"""Limit of password attempts from one address for one account."""
PER_ACCOUNT = RateLimitItemPerMinute(60)
"""Limit of wrong passwords for one account, from whatever address."""
MAX_CHECKS = 2
"""How many passwords are checked at the same time, since each check takes 32 MiB of memory."""
MAX_WAITING = 16
"""How many requests wait for these. More could occupy all threads."""


class PasswordAttempts:
    """Checks passwords, a limited number of times for each address and account.

    Args:
        storage: counts the attempts, if possible for all processes. While it fails, this process
            counts by itself.
        server: the settings of the service.
        check: whether a hash and a password match.
    """

    def __init__(
        self,
        storage: Storage,
        server: Server,
        check: Callable[[str, str], bool] = check_password_hash,
    ) -> None:
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._server = server
        self._check = check
        self._checks = threading.BoundedSemaphore(MAX_CHECKS)
        self._places = threading.BoundedSemaphore(MAX_CHECKS + MAX_WAITING)

    def verify(
        self,
        account: str,
        stored: SecretStr | None,
        password: Callable[[], str],
    ) -> bool:
        """Whether a password matches a stored hash.

        The attempt is counted before the password is read from the request, since that may take a
        while. A correct password resets the count of the address, because without JavaScript the
        widgets of a page are unlocked one by one.

        Args:
            account: the slug of the account whose password it is; empty for that of the studio.
            stored: the hash; None matches no password.
            password: reads the password from the request.

        Raises:
            TooManyAttempts: a limit is exceeded, or too many passwords are being checked.
        """
        network = access.client_network(visitor_address(self._server))
        if not self._hit(PER_ADDRESS, network, account):
            raise TooManyAttempts("passwords from one address")
        entered = password()
        # The account has no viewer password, and is unlocked by tokens only.
        if stored is None:
            return False
        with self._turn():
            if not self._test(PER_ACCOUNT, account):
                raise TooManyAttempts("wrong passwords for one account")
            is_right = self._check(stored.get_secret_value(), entered)
            if not is_right:
                self._hit(PER_ACCOUNT, account)
        if is_right:
            self._clear(PER_ADDRESS, network, account)
        return is_right

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until this thread may check a password."""
        if not self._places.acquire(blocking=False):
            raise TooManyAttempts("too many passwords are being checked")
        try:
            with self._checks:
                yield
        finally:
            self._places.release()

    def _hit(self, limit: RateLimitItem, *key: str) -> bool:
        """Count an attempt; False if that exceeds the limit."""
        try:
            return self._shared.hit(limit, *key)
        except StorageError:
            return self._own.hit(limit, *key)

    def _test(self, limit: RateLimitItem, *key: str) -> bool:
        """Whether another attempt would not exceed the limit."""
        try:
            return self._shared.test(limit, *key)
        except StorageError:
            return self._own.test(limit, *key)

    def _clear(self, limit: RateLimitItem, *key: str) -> None:
        try:
            self._shared.clear(limit, *key)
        except StorageError:
            self._own.clear(limit, *key)
