"""The credentials of the current request, and the token of the page that responds to it."""

from dataclasses import replace

from flask import request

from widget.config import Account
from widget.render.html import PageContext
from widget.web import access
from widget.web.access import Credentials
from widget.web.request_data import visitor_address
from widget.web.service import Service
from widget.web.tokens import Grant


def credentials_of_request(
    service: Service,
    account: Account,
    token: str | None,
    *,
    unlocking: bool,
) -> Credentials:
    """What the visitor sent to see an account.

    Args:
        service: checks passwords.
        account: whose password the form may contain.
        token: the token in the URL.
        unlocking: whether the request is that of the password form.
    """
    address = visitor_address(service.settings.server)
    if not unlocking:
        return Credentials(address, token)

    def is_viewer() -> bool:
        """Whether the form contains the viewer password of the account."""
        return service.attempts.verify(
            account.slug,
            account.viewer_password_hash,
            lambda: request.form.get("password", ""),
        )

    # The form is shown for expired tokens as well, so a token does not matter here.
    return Credentials(address, check_password=is_viewer)


def with_token(
    context: PageContext,
    account: Account,
    grant: Grant,
    now: float,
) -> PageContext:
    """The context of a private page, with a new token if the present one expires soon.

    Args:
        context: the context without it.
        account: whose page.
        grant: of the present token or password.
        now: Unix seconds.
    """
    renewal = access.renew(grant, now)
    if renewal is None:
        # The page still has its token, and only needs to know how long it is valid.
        return replace(context, expires=grant.expires)
    token = access.sign_renewal(account, renewal)
    return replace(context, expires=renewal.expires, token=token)
