"""Health checks and metrics, for machines that monitor the service."""

import itertools

from flask import Response, abort

from widget.errors import CabinetError, Delayed
from widget.web.metrics import CONTENT_TYPE
from widget.web.request_data import is_from_private_network
from widget.web.service import Service
from widget.widgets import registry
from widget.widgets.options import Options


class StatusEndpoints:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._accounts = list(service.settings.accounts.values())
        self._checks = itertools.count()

    def health(self) -> Response:
        """``GET /healthz``: the process responds."""
        return Response("ok\n", mimetype="text/plain")

    def ready(self) -> Response:
        """``GET /readyz``: the API can be reached, so that widgets have figures."""
        # Once a call has succeeded, failures are the upstream's: then other replicas would not
        # have figures either, and this one has cached ones.
        has_worked = self._service.client.has_worked
        if has_worked or self._can_get_figures():
            return Response("ok\n", mimetype="text/plain")
        text = "no call of the API has succeeded yet\n"
        return Response(text, status=503, mimetype="text/plain")

    def metrics(self) -> Response:
        """``GET /metrics``: for private networks only, since they show how the service is used."""
        if not is_from_private_network(self._service.settings.server):
            abort(404)  # as for a path that does not exist
        text = self._service.metrics.text()
        return Response(text, content_type=CONTENT_TYPE)

    def _can_get_figures(self) -> bool:
        """Whether there are figures for one widget, from the API or cached by another process.

        Until a call has succeeded, each check tries another account, and in turn its other widgets:
        one account whose password is wrong must not keep the service from being ready.
        """
        check = next(self._checks)
        turn, number = divmod(check, len(self._accounts))
        account = self._accounts[number]
        widgets = self._service.widgets
        names = registry.enabled_widgets(account, widgets)
        name = names[turn % len(names)]
        try:
            self._service.view(account, widgets[name], Options())
        except Delayed:
            return True  # they will come by themselves
        except CabinetError:
            return False
        return True
