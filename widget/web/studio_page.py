"""``GET /``: the studio, a page that shows and configures widgets."""

from flask import Response, request

from widget import __version__
from widget.errors import CabinetError
from widget.render import i18n
from widget.web import headers, studio
from widget.web.error_responses import HTML, ErrorContext, ErrorResponses
from widget.web.request_data import accepted_languages, query_parameters
from widget.web.service import Service

# Browsers ask for a user name as well, and some display this text.
_REALM = "Cabinet Widgets studio: any user name, and its password"
_CHALLENGE = {"WWW-Authenticate": f'Basic realm="{_REALM}", charset="UTF-8"'}


class StudioPage:
    """The studio, if it is enabled. Outside of the demo it requires its password.

    The password is sent by HTTP Basic, so that no cookie is needed.
    """

    def __init__(self, service: Service, errors: ErrorResponses) -> None:
        self._service = service
        self._errors = errors

    def get(self) -> Response:
        """``GET /``."""
        settings = self._service.settings
        if not settings.server.studio:
            return self._what_runs_here()
        try:
            if not settings.demo and not self._is_operator():
                text = "The studio requires its password. Any user name works.\n"
                return Response(text, 401, _CHALLENGE, mimetype="text/plain")
            return self._page()
        except CabinetError as error:
            return self._errors.respond(error, ErrorContext(HTML))

    def _what_runs_here(self) -> Response:
        """One line for those who open the address of the service."""
        text = f"Cabinet Widgets {__version__}: widgets of trading accounts for other pages.\n"
        response = Response(text, mimetype="text/plain")
        return headers.set_headers(response, self._service.settings.server, headers.PRIVATE)

    def _is_operator(self) -> bool:
        """Whether the request has the password of the studio; the user name does not matter."""
        authorization = request.authorization
        stored = self._service.settings.server.studio_password_hash
        if authorization is None or stored is None:
            return False
        if authorization.type != "basic":
            return False
        # It has been read with the headers, unlike the password of a form.
        password = authorization.password or ""
        return self._service.attempts.verify("", stored, lambda: password)

    def _page(self) -> Response:
        service = self._service
        server = service.settings.server
        catalogues = service.catalogues
        context = studio.build_context(
            service.settings,
            service.widgets,
            catalogues,
            query_parameters(),
        )
        # The studio is for the operator, so that its language does not depend on an account.
        html = service.renderer.template(
            "studio.html",
            catalogues.negotiate(*accepted_languages()),
            assets={
                "css": service.assets.url("studio.css"),
                "js": service.assets.url("studio.js"),
                "loader": f"{server.path}/embed.js",
            },
            languages={tag: i18n.language_name(tag) for tag in catalogues.languages},
            **context,
        )
        response = Response(html, content_type="text/html; charset=utf-8")
        return headers.set_headers(response, server, headers.PRIVATE, is_studio=True)
