"""Metrics for Prometheus, who may read them, and readiness."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from conftest import Clock, Service, Upstream
from faults import Fault
from processes import PATIENT, Program, is_up, service, until

Serve = Callable[..., Service]
DOCS = Path(__file__).parents[2] / "docs"


def figures(text: str) -> dict[str, float]:
    """The samples of an exposition by name and labels."""
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def scraped(service: Service) -> dict[str, float]:
    """The metrics of a service."""
    response = service.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response.headers["Cache-Control"] == "private, no-store"
    return figures(response.text)


def test_responses_are_counted_by_widget_status_and_freshness(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(server=PATIENT)
    service.get("/w/main/balance")
    service.get("/w/main/balance")
    service.get("/w/main/balance?rows=many")
    service.get("/w/nobody/visitors-own-words")
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 3600
    service.get("/w/main/balance.json")
    service.get("/w/main/summary.json")
    found = scraped(service)
    assert {
        name: value for name, value in found.items() if name.startswith("cabinet_answers_total")
    } == {
        'cabinet_answers_total{freshness="fresh",status="200",widget="balance"}': 1,
        'cabinet_answers_total{freshness="stale",status="200",widget="balance"}': 1,
        'cabinet_answers_total{freshness="none",status="400",widget="balance"}': 1,
        'cabinet_answers_total{freshness="none",status="503",widget="summary"}': 1,
        'cabinet_answers_total{freshness="none",status="404",widget="none"}': 1,
    }
    assert found['cabinet_edge_requests_total{outcome="HIT"}'] == 1
    assert found['cabinet_age_seconds_count{widget="balance"}'] == 2
    assert found['cabinet_age_seconds_sum{widget="balance"}'] == pytest.approx(3600)
    assert found['cabinet_age_seconds_bucket{le="5.0",widget="balance"}'] == 1


def test_calls_are_counted_with_their_time_and_their_failures_by_function(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault("html200", "RequestOpenTrades"))
    upstream.sandbox.faults.append(Fault("slow", "RequestBalanceInformation", seconds=0.11))
    # Not a limit: a call takes no longer than the visit that waits for it.
    began = time.monotonic()  # noqa: TID251
    service.get("/w/main/balance")
    elapsed = time.monotonic() - began  # noqa: TID251
    service.get("/w/main/open-trades")
    found = scraped(service)
    assert found['cabinet_upstream_seconds_count{function="balance"}'] == 1
    assert 0.11 <= found['cabinet_upstream_seconds_sum{function="balance"}'] <= elapsed
    assert (
        found['cabinet_upstream_failures_total{code="upstream_unreadable",function="open_trades"}']
        == 1
    )
    assert not [name for name in found if "failures_total" in name and '"balance"' in name]


def test_labels_contain_no_text_of_visitors_no_figures_and_no_account(serve: Serve) -> None:
    service = serve(accounts={"secret-account": {"login": 1000001}})
    balance = service.json("/w/secret-account/balance.json")["balance"]
    for n in range(20):
        service.get(f"/w/secret-account/made-up-{n}")
        service.get(f"/w/made-up-{n}/balance")
        requests.request(f"M{n}", f"{service.url}/w/secret-account/balance", timeout=30)
    text = service.get("/metrics").text
    # Not as a part of another number, such as a sum of seconds.
    assert not re.search(rf"made-up|secret-account|(?<![\d.])1000001(?!\d)|{balance}", text)
    assert len([name for name in figures(text) if name.startswith("cabinet_answers_total")]) == 2


@pytest.mark.parametrize(
    ("address", "headers", "trusted", "status"),
    [
        ("127.0.0.1", {}, 0, 200),
        ("::1", {}, 0, 200),
        ("10.1.2.3", {}, 0, 200),
        ("::ffff:10.1.2.3", {}, 0, 200),
        ("8.8.8.8", {}, 0, 404),
        ("::ffff:8.8.8.8", {}, 0, 404),
        ("2606:4700::1", {}, 0, 404),
        ("", {}, 0, 404),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 0, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 0, 404),
        ("127.0.0.1", {"Forwarded": "for=8.8.8.8"}, 0, 404),
        ("127.0.0.1", {"X-Real-IP": "8.8.8.8"}, 0, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 0, 404),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 1, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1, 8.8.8.8"}, 1, 404),
        ("127.0.0.1", {"X-Forwarded-For": "10.9.9.9"}, 1, 200),
        ("8.8.8.8", {"X-Forwarded-For": "127.0.0.1"}, 0, 404),
    ],
)
def test_metrics_are_for_this_machine_and_private_networks(
    address: str, headers: dict[str, str], trusted: int, status: int, serve: Serve
) -> None:
    visitor = serve(server={"trusted_proxies": trusted}).app.test_client()
    response = visitor.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == status
    if status == 404:
        assert response.text == visitor.get("/elsewhere").text


def test_a_replica_is_ready_once_a_call_has_succeeded(
    serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault("error503"))
    assert service.get("/healthz").status_code == 200
    assert service.get("/readyz").status_code == 503
    clock.now += 3600
    upstream.sandbox.faults.clear()
    assert service.get("/readyz").status_code == 200
    calls = upstream.sandbox.calls.total()
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 3600
    assert service.get("/readyz").status_code == 200
    assert upstream.sandbox.calls.total() == calls


def test_a_visitors_call_makes_it_ready_as_well(serve: Serve, upstream: Upstream) -> None:
    service = serve()
    service.get("/w/main/balance")
    calls = upstream.sandbox.calls.total()
    assert service.get("/readyz").status_code == 200
    assert upstream.sandbox.calls.total() == calls


def test_one_refused_account_does_not_keep_a_replica_from_being_ready(serve: Serve) -> None:
    service = serve(
        accounts={"wrong": {"login": 1000002, "password": "wrong"}, "right": {"login": 1000001}}
    )
    assert [service.get("/readyz").status_code for _ in range(3)] == [503, 200, 200]


def test_figures_that_another_process_fetched_make_it_ready(
    serve: Serve, upstream: Upstream, tmp_path: Path
) -> None:
    cache = {"type": "FileSystemCache", "dir": str(tmp_path)}
    serve(cache=cache).get("/w/main/balance")
    upstream.sandbox.faults.append(Fault("error503"))
    assert serve(cache=cache).get("/readyz").status_code == 200


def test_workers_that_share_a_folder_add_up(
    tmp_path: Path, upstream_in_real_time: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(shared))
    toml = f'[api]\nbase_url = "{upstream_in_real_time.url}"\n[accounts.main]\nlogin = 1000001\n'
    with service(tmp_path, "two", toml, workers=2) as (url, _):
        for n in range(40):  # each on its own connection, so that both workers get some
            requests.get(f"{url}/w/main/nothing-{n}", timeout=30)
        for _ in range(4):
            found = figures(requests.get(f"{url}/metrics", timeout=30).text)
            assert found['cabinet_answers_total{freshness="none",status="404",widget="none"}'] == 40


@contextmanager
def shared_metrics(folder: Path, upstream: Upstream) -> Iterator[tuple[str, Program]]:
    """A service whose workers share their metrics in a new folder."""
    folder.mkdir()
    toml = f'[api]\nbase_url = "{upstream.url}"\n[accounts.main]\nlogin = 1000001\n'
    with service(folder.parent, "one", toml, PROMETHEUS_MULTIPROC_DIR=str(folder)) as started:
        yield started


def test_a_broken_file_in_the_folder_is_skipped(
    tmp_path: Path, upstream_in_real_time: Upstream
) -> None:
    folder = tmp_path / "shared"
    with shared_metrics(folder, upstream_in_real_time) as (url, program):
        requests.get(f"{url}/w/main/nothing", timeout=30)
        [intact] = folder.glob("counter_*.db")
        broken = {
            "counter_1.db": b"",
            "counter_2.db": b"not metrics",
            "counter_3.db": b"\xff" * 64,
            "counter_4.db": intact.read_bytes()[:100],
            "histogram_5.db": intact.read_bytes().replace(b"cabinet", b"\xff\xfe\xfdinet"),
            "gauge.db": intact.read_bytes(),
        }
        for name, content in broken.items():
            (folder / name).write_bytes(content)
        response = requests.get(f"{url}/metrics", timeout=30)
        assert response.status_code == 200
        found = figures(response.text)
        assert found['cabinet_answers_total{freshness="none",status="404",widget="none"}'] == 1
        assert "is skipped" in program.text()


@pytest.mark.programs
def test_widgets_have_figures_while_the_folder_is_gone(
    tmp_path: Path, upstream_in_real_time: Upstream
) -> None:
    folder = tmp_path / "shared"
    with shared_metrics(folder, upstream_in_real_time) as (url, program):
        shutil.rmtree(folder)
        response = requests.get(f"{url}/w/main/balance.json", timeout=30)
        assert response.status_code == 200
        assert requests.get(f"{url}/metrics", timeout=30).status_code == 200
        assert "something was not counted" in program.text()
        assert "Traceback" not in program.text()
        [worker] = program.children()
        os.kill(worker, signal.SIGKILL)
        until(lambda: is_up(f"{url}/healthz"))
        assert folder.exists()


def test_a_worker_starts_although_it_finds_a_broken_file_of_its_own_process_id(
    tmp_path: Path,
) -> None:
    """In containers, the workers have the same ids after each restart."""
    code = """
        import os, pathlib
        file = pathlib.Path(os.environ["PROMETHEUS_MULTIPROC_DIR"], f"counter_{os.getpid()}.db")
        file.write_bytes(b"broken")
        from widget.web.metrics import Metrics
        Metrics().count_response("balance", 200, "fresh")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    finished = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "is skipped" in finished.stderr


def test_on_a_quiet_site_nothing_is_marked_and_no_alert_fires(serve: Serve, clock: Clock) -> None:
    """The alert for old figures compares the counters of fresh and stale responses."""
    service = serve(server=PATIENT)
    for seconds in (0, 35, 600, 86_400, *[60] * 10):
        clock.now += seconds
        assert service.get("/w/main/balance.json").json()["stale"] is False
        for form in ("", ".svg", ".badge.json"):
            response = service.get(f"/w/main/balance{form}")
            assert response.status_code == 200
            assert "Not up to date" not in response.text
    found = scraped(service)
    assert found['cabinet_answers_total{freshness="fresh",status="200",widget="balance"}'] == 14 * 4
    assert not [name for name in found if 'freshness="stale"' in name]


def named(text: str) -> Iterator[str]:
    """The names of the metrics in a text."""
    yield from set(re.findall(r"\bcabinet_[a-z_]+", text))


def test_dashboard_and_alerts_use_only_metrics_that_exist(serve: Serve, upstream: Upstream) -> None:
    service = serve()
    upstream.sandbox.faults.append(Fault("error503", "RequestOpenTrades"))
    service.get("/w/main/balance")
    service.get("/w/main/open-trades")
    known = set(named(service.get("/metrics").text))
    for file in ("monitoring/alerts.yml", "monitoring/dashboard.json", "operations.md"):
        text = (DOCS / file).read_text(encoding="utf-8")
        assert set(named(text)) <= known, file
        assert len(list(named(text))) >= 3
    [group] = yaml.safe_load((DOCS / "monitoring" / "alerts.yml").read_text(encoding="utf-8"))[
        "groups"
    ]
    for rule in group["rules"]:
        # Prometheus refuses the whole file if one of them is not a text.
        assert all(isinstance(text, str) for text in (rule["alert"], rule["expr"], rule["for"]))
        assert all(isinstance(text, str) for text in rule["annotations"].values())
    dashboard: dict[str, Any] = json.loads(
        (DOCS / "monitoring" / "dashboard.json").read_text(encoding="utf-8")
    )
    assert all(panel["targets"] for panel in dashboard["panels"])
