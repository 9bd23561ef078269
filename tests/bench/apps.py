"""Applications that the service is compared with, each a factory for the same server."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import requests
from flask import Flask, Response
from flask_caching import Cache

from widget.server import run_server


def empty() -> Flask:
    """A Flask view that does nothing; 4 KB."""
    app = Flask("empty", static_folder=None, root_path=".")
    body = b"x" * 4096

    @app.get("/")
    def view() -> Response:
        return Response(body)

    return app


def bare() -> WSGIApplication:
    """A function that sends recorded bytes and headers of the service."""
    recorded = json.loads(Path(os.environ["BENCH_RECORDED"]).read_text(encoding="utf-8"))
    responses = {
        path: (
            status,
            [(name, value) for name, value in headers],
            [body.encode("latin-1")] if body else [],
        )
        for path, (status, headers, body) in recorded.items()
    }

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = responses[environ["PATH_INFO"]]
        start_response(status, headers)
        return body

    return app


def cached() -> Flask:
    """The page behind Flask-Caching's plain ``@cached``."""
    app = Flask("cached", static_folder=None, root_path=".")
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    page = Path(os.environ["BENCH_PAGE"]).read_text(encoding="utf-8")

    @app.get("/")
    @cache.cached(timeout=3600)
    def view() -> str:
        return page

    return app


def sample() -> Flask:
    """Like the broker's PHP sample: a token and a call for every view."""
    app = Flask("sample", static_folder=None, root_path=".")
    base = os.environ["BENCH_UPSTREAM"]

    @app.get("/")
    def view() -> str:
        token = requests.post(
            f"{base}/api/Authentication/RequestClientApiToken",
            json={"Login": 1000002, "Password": "sandbox-password"},
            timeout=30,
        ).json()
        headers = {"passkey": token}
        response = requests.get(
            f"{base}/client/RequestBalanceInformation/1000002", headers=headers, timeout=30
        ).json()
        return f"<p>Balance: {response['Balance']}</p>"

    return app


if __name__ == "__main__":
    applications: dict[str, Callable[[], WSGIApplication]] = {
        "empty": empty,
        "bare": bare,
        "cached": cached,
        "sample": sample,
    }
    run_server(applications[sys.argv[1]], "127.0.0.1", int(sys.argv[2]))
