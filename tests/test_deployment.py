"""The files of docs/deploy: their programs accept them, and they fit each other."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import processes
import pytest
import yaml
from commands import run
from documents import deployment_file
from programs import find_program

from widget import config
from widget.setup import deploy
from widget.web import metrics
from widget.widgets import registry

ROOT = Path(__file__).parent.parent


def checked(*command: str, folder: Path, **env: str) -> str:
    """The output of a program, which has to succeed."""
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **env}
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


# -- Printed from a configuration -----------------------------------------------------------------


def test_the_files_of_the_documentation_are_those_that_the_command_prints() -> None:
    for what, name in deploy.TEMPLATES.items():
        assert deployment_file(name) == deploy.example(what), "run: python .ci/deploy_files.py"
    text = deploy.example_without_certificate()
    assert deployment_file("nginx-without-certificate.conf") == text


CONFIGURATION = """
[server]
public_url = "https://pips.example.org{path}"
[cache]
type = "{cache}"
redis_url = "redis://valkey:6379/0"
[accounts.main]
login = 1234567
"""


def printed(
    folder: Path, *arguments: str, path: str = "", cache: str = "SimpleCache"
) -> subprocess.CompletedProcess[str]:
    """What ``deploy`` prints for a configuration."""
    (folder / "widgets.toml").write_text(CONFIGURATION.format(path=path, cache=cache))
    return run(folder, "deploy", *arguments)


def certificate_for(domain: str, folder: Path) -> None:
    """Create a certificate and its key in a folder."""
    checked(
        find_program("openssl"),
        *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        f"-keyout privkey.pem -out fullchain.pem -days 2 -subj /CN={domain}".split(),
        folder=folder,
    )


def check_nginx(site: str, folder: Path) -> str:
    """The output of nginx for a site, which has to be valid."""
    site = on_free_ports(site).replace("/var/log/nginx", str(folder))
    (folder / "nginx.conf").write_text(processes.nginx_conf(folder, site))
    command = [find_program("nginx"), "-t", "-p", str(folder)]
    return checked(*command, "-c", "nginx.conf", "-e", "nginx-error.log", folder=folder)


@pytest.mark.programs
def test_nginx_accepts_the_file_before_there_is_a_certificate(tmp_path: Path) -> None:
    site = printed(tmp_path, "nginx").stdout
    assert "ssl_certificate" not in site
    assert "--domain pips.example.org" in site
    assert "location /.well-known/acme-challenge/" in site
    assert "example.com" not in site
    assert "warn" not in check_nginx(site, tmp_path)


@pytest.mark.programs
@pytest.mark.parametrize("path", ["", "/widgets"])
def test_nginx_accepts_the_file_with_a_certificate(path: str, tmp_path: Path) -> None:
    certificate_for("pips.example.org", tmp_path)
    files = ("--certificate", "fullchain.pem", "--key", "privkey.pem")
    site = printed(tmp_path, "nginx", "--bind", "127.0.0.1:9000", *files, path=path).stdout
    assert f"ssl_certificate {tmp_path}/fullchain.pem;" in site
    assert "server 127.0.0.1:9000 " in site
    assert f"location {path}/metrics" in site
    assert f"location {path}/ {{" in site
    assert ("proxy_pass http://cabinet_widgets/;" in site) == bool(path)
    assert "warn" not in check_nginx(site, tmp_path)


@pytest.mark.parametrize(("version", "lines"), [("1.24.0", 0), ("1.25.1", 1), ("1.26.3", 1)])
def test_http2_is_written_as_the_installed_nginx_wants_it(
    version: str, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nginx"
    program.write_text(f"#!/bin/sh\necho 'nginx version: nginx/{version} (Debian)' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    site = printed(tmp_path, "nginx", "--certificate", "c.pem", "--key", "k.pem").stdout
    assert site.count("    http2 on;\n") == lines
    assert site.count("listen 443 ssl http2;") == 1 - lines


def test_a_certificate_of_lets_encrypt_is_used_as_soon_as_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "LETS_ENCRYPT", tmp_path)
    assert "listen 443" not in printed(tmp_path, "nginx").stdout
    folder = tmp_path / "pips.example.org"
    folder.mkdir()
    (folder / "fullchain.pem").touch()
    site = printed(tmp_path, "nginx").stdout
    assert "listen 443" in site
    assert f"ssl_certificate_key {folder}/privkey.pem;" in site


@pytest.mark.programs
def test_caddy_accepts_a_file_with_a_path_and_a_certificate(tmp_path: Path) -> None:
    certificate_for("pips.example.org", tmp_path)
    files = ("--certificate", "fullchain.pem", "--key", "privkey.pem")
    text = printed(tmp_path, "caddy", *files, path="/widgets").stdout
    assert "\npips.example.org {\n" in text
    (tmp_path / "Caddyfile").write_text(text)
    caddy = find_program("caddy")
    homes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = (caddy, *"validate --config Caddyfile --adapter caddyfile".split())
    assert "Valid configuration" in checked(*command, folder=tmp_path, **homes)
    assert checked(caddy, "fmt", "Caddyfile", folder=tmp_path, **homes) == text


@pytest.mark.parametrize(("cache", "workers"), [("SimpleCache", 1), ("FileSystemCache", 2)])
def test_the_unit_has_the_paths_and_as_many_workers_as_can_share_the_cache(
    cache: str, workers: int, tmp_path: Path
) -> None:
    text = printed(tmp_path, "systemd", cache=cache).stdout
    assert f"Environment=CABINET_WIDGETS_CONFIG={tmp_path}/widgets.toml\n" in text
    assert f"EnvironmentFile=-{tmp_path}/secrets.env\n" in text
    assert f" serve --bind 127.0.0.1:8000 --workers {workers}\n" in text


def test_deploy_warns_if_the_service_cannot_read_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "HOMES", (tmp_path,))
    ended = printed(tmp_path, "systemd")
    assert f"{tmp_path}/widgets.toml is in a folder that the service cannot read" in ended.stderr
    assert "[Service]" in ended.stdout


@pytest.mark.parametrize(("cache", "replicas"), [("SimpleCache", 1), ("RedisCache", 2)])
def test_compose_mounts_the_configuration(cache: str, replicas: int, tmp_path: Path) -> None:
    service = yaml.safe_load(printed(tmp_path, "compose", cache=cache).stdout)["services"][
        "widgets"
    ]
    assert service["deploy"]["replicas"] == replicas
    mounted = f"{tmp_path}/widgets.toml:/etc/cabinet-widgets/widgets.toml:ro"
    assert service["volumes"] == [mounted]
    assert "env_file" not in service
    (tmp_path / "secrets.env").touch(mode=0o600)
    service = yaml.safe_load(printed(tmp_path, "compose").stdout)["services"]["widgets"]
    assert service["env_file"] == f"{tmp_path}/secrets.env"


def test_deploy_rejects_what_would_mean_something_else_in_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "my files"
    folder.mkdir()
    for what in ("systemd", "compose"):
        ended = printed(folder, what)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert f"{folder}/widgets.toml: such a path cannot be part of these files" in ended.stderr
    files = ("--certificate", "none.pem", "--key", "widgets.toml")
    (line,) = printed(tmp_path, "nginx", *files).stderr.splitlines()
    assert f"warning: {tmp_path}/none.pem cannot be found" in line
    files = ("--certificate", "100%.pem", "--key", "k.pem")
    assert "100%.pem: such a path" in printed(tmp_path, "nginx", *files).stderr
    for bind in ("a;b:8000", "a b:8000", "{a}:8000"):
        ended = printed(tmp_path, "nginx", "--bind", bind)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "write address and port" in ended.stderr


def test_deploy_warns_if_the_user_of_the_service_cannot_read_a_file(tmp_path: Path) -> None:
    # As after `umask 077`. The folders of tests are for their user only, too.
    printed(tmp_path, "systemd")
    (tmp_path / "widgets.toml").chmod(0o600)
    tmp_path.chmod(0o700)
    ended = run(tmp_path, "deploy", "systemd")
    # A program in the folder of a user is another reason to warn.
    (warning,) = [line for line in ended.stderr.splitlines() if "run: chmod o+rX " in line]
    command = warning.partition("run: chmod o+rX ")[2]
    assert command.split()[-2:] == [str(tmp_path), f"{tmp_path}/widgets.toml"]
    assert not deploy.can_be_read_by_all(tmp_path / "widgets.toml")
    (tmp_path / "widgets.toml").chmod(0o644)
    assert deploy.can_be_read_by_all(tmp_path / "widgets.toml")
    assert deploy.can_be_read_by_all(Path("/etc"))


def test_deploy_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text("[accounts.main]\nlogin = 5\n")
    for what in deploy.BEHIND_TLS:
        ended = run(tmp_path, "deploy", what)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "set it to the address that visitors will use" in ended.stderr
    ended = run(tmp_path, "deploy", "nginx", "--key", "x")
    assert "--certificate and --key belong together" in ended.stderr


def test_the_application_for_passenger_reads_the_file_next_to_it(tmp_path: Path) -> None:
    (tmp_path / "widgets.toml").write_text("[accounts.main]\nlogin = 5\n")
    (tmp_path / "passenger_wsgi.py").write_text(deployment_file("passenger_wsgi.py"))
    program = "import passenger_wsgi; print(callable(passenger_wsgi.application))"
    where = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    assert checked(sys.executable, "-c", program, folder=Path("/"), **where).endswith("True\n")


# -- As they are in the documentation -------------------------------------------------------------


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The systemd unit, with a program that exists on this machine."""
    text = deployment_file("cabinet-widgets.service")
    path = tmp_path / "cabinet-widgets.service"
    path.write_text(text.replace("/opt/cabinet-widgets/bin/cabinet-widgets", sys.executable))
    return path


@pytest.mark.programs
def test_systemd_accepts_the_unit_and_finds_it_well_isolated(unit: Path, tmp_path: Path) -> None:
    analyze = find_program("systemd-analyze")
    assert checked(analyze, "verify", "--man=no", str(unit), folder=tmp_path) == ""
    report = checked(analyze, "security", "--offline=yes", "--no-pager", str(unit), folder=tmp_path)
    level = re.search(r"Overall exposure level for cabinet-widgets.service: ([\d.]+)", report)
    assert level, report
    assert float(level[1]) < 2


def test_the_unit_starts_what_the_command_offers(unit: Path) -> None:
    [start] = re.findall(r"ExecStart=\S+ (.*)", unit.read_text())
    command, *options = start.split()
    offered = checked(sys.executable, "-m", "widget", command, "--help", folder=unit.parent)
    assert {option for option in options if option.startswith("--")} <= set(offered.split())
    assert f"CacheDirectory={config.Cache().dir.relative_to('/var/cache')}\n" in unit.read_text()


def test_the_units_workers_count_into_a_folder_that_is_empty_at_each_start(unit: Path) -> None:
    [folder] = re.findall("^RuntimeDirectory=(.+)$", unit.read_text(), re.MULTILINE)
    assert f"Environment={metrics.MULTIPROCESS_VARIABLE}=/run/{folder}\n" in unit.read_text()


def test_nginx_listens_on_the_ports_of_http_and_https() -> None:
    site = deployment_file("nginx.conf")
    assert re.findall(r"(?m)^ *listen (.+);", site) == [
        "80",
        "[::]:80",
        "443 ssl http2",
        "[::]:443 ssl http2",
    ]


def test_nginx_limits_requests_and_connections_and_hides_its_version() -> None:
    site = deployment_file("nginx.conf")
    servers = site.split("\nserver {")[1:]
    assert all("    server_tokens off;\n" in server for server in servers)
    https = servers[-1]
    for limit in ("limit_req", "limit_conn"):
        [zone] = re.findall(rf"{limit}_zone \$binary_remote_addr zone=(\w+):", site)
        assert re.search(rf"    {limit} (zone=)?{zone}[ ;]", https)
        assert f"    {limit}_status 429;\n" in https
    # Once, for its own responses and for those of the service.
    assert https.count("add_header Strict-Transport-Security") == 1
    assert "proxy_hide_header Strict-Transport-Security;" in https


def on_free_ports(site: str) -> str:
    """nginx's file with free loopback ports: `nginx -t` opens them, and low ones need root."""
    for port in ("80", "443"):
        free_port = processes.free_port()
        site = re.sub(rf"listen {port}\b", f"listen 127.0.0.1:{free_port}", site)
        site = re.sub(rf"listen \[::\]:{port}\b", f"listen [::1]:{free_port}", site)
    return site


def for_installed_nginx(site: str, folder: Path) -> str:
    """nginx's file, changed as its comment says if nginx 1.25.1 or later is installed."""
    version = re.search(
        r"nginx/(\d+)\.(\d+)\.(\d+)", checked(find_program("nginx"), "-v", folder=folder)
    )
    assert version
    if tuple(map(int, version.groups())) < (1, 25, 1):
        return site
    assert (
        "    # nginx 1.25.1 and later: without http2 in both lines, and with a line `http2 on;`\n"
        in site
    )
    return site.replace(" ssl http2;", " ssl;").replace(
        "    ssl_protocols", "    http2 on;\n    ssl_protocols"
    )


@pytest.mark.programs
@pytest.mark.parametrize("with_cache", [False, True])
def test_nginx_accepts_its_file(with_cache: bool, tmp_path: Path) -> None:
    site = deployment_file("nginx.conf")
    if with_cache:
        cache = deployment_file("nginx-cache.conf")
        above_upstream, _, in_location = cache.partition("\n# In `location /`:\n")
        site = site.replace("\nupstream", f"\n{above_upstream}\nupstream")
        site = site.replace("location / {", f"location / {{\n{in_location}")
        assert "proxy_cache cabinet_widgets;" in site
    certificate_for("widgets.example.com", tmp_path)
    site = re.sub(
        "/etc/letsencrypt/live/widgets.example.com|/var/log/nginx|/var/cache/nginx",
        str(tmp_path),
        site,
    )
    site = for_installed_nginx(on_free_ports(site), tmp_path)
    (tmp_path / "nginx.conf").write_text(processes.nginx_conf(tmp_path, site))
    output = checked(
        *(
            find_program("nginx"),
            "-t",
            "-p",
            str(tmp_path),
            "-c",
            "nginx.conf",
            "-e",
            "nginx-error.log",
        ),
        folder=tmp_path,
    )
    assert "warn" not in output


def test_nginx_logs_no_query() -> None:
    site = deployment_file("nginx.conf")
    assert site.count("access_log ") == site.count("server {")  # nginx's own log has queries
    assert "$request " not in site
    assert '$request"' not in site
    assert "$args" not in site
    assert "$http_referer" not in site


@pytest.mark.programs
def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    text = deployment_file("Caddyfile")
    (tmp_path / "Caddyfile").write_text(text)
    caddy = find_program("caddy")
    homes = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    for upstream in ({}, {"CABINET_WIDGETS": "widgets:8000"}):
        output = checked(
            *(caddy, *"validate --config Caddyfile --adapter caddyfile".split()),
            folder=tmp_path,
            **homes,
            **upstream,
        )
        assert "Valid configuration" in output
    assert checked(caddy, "fmt", "Caddyfile", folder=tmp_path, **homes) == text


def test_caddy_limits_bodies_headers_and_connections() -> None:
    site = deployment_file("Caddyfile")
    for setting in ("max_size 4KB", "max_header_size", "read_header", "idle", "max_conns_per_host"):
        assert f"\t{setting}" in site
    # The question mark leaves the header of the service as it is.
    assert "\theader ?Strict-Transport-Security" in site


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Its instructions: the word and the rest."""
    lines = deployment_file("Dockerfile").replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def of(dockerfile: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in dockerfile if name == word]


def test_the_container_has_a_fixed_base_its_own_user_a_health_check_and_no_secret(
    dockerfile: list[tuple[str, str]],
) -> None:
    assert all(
        re.match(r"python:\d+\.\d+\.\d+-slim-\w+( AS build)?$", base)
        for base in of(dockerfile, "FROM")
    )
    last = dockerfile[max(n for n, (word, _) in enumerate(dockerfile) if word == "FROM") :]
    [user] = of(last, "USER")
    assert int(user.split(":")[0]) >= 10000
    assert "/healthz" in of(last, "HEALTHCHECK")[0]
    assert not re.search(r"(?i)password|secret|token", str(dockerfile))
    assert not of(dockerfile, "ADD")
    words = {
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {word for word, _ in dockerfile} == words
    for form in ("ENTRYPOINT", "CMD"):
        assert isinstance(ast.literal_eval(of(last, form)[0]), list), (
            "signals reach the program itself"
        )


def test_the_container_is_built_from_existing_files_and_everything_that_the_package_needs(
    dockerfile: list[tuple[str, str]],
) -> None:
    copied = {
        name
        for rest in of(dockerfile, "COPY")
        if "--from" not in rest
        for name in rest.split()[:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    setup = (ROOT / "setup.cfg").read_text()
    folders = set(
        re.findall(
            r"(?m)^    widget[.\w]* = (\w+)$", setup.partition("package_dir")[2].partition("\n[")[0]
        )
    )
    needed = (
        folders
        | {"setup.cfg", "pyproject.toml", "LICENSE"}
        | set(re.findall(r"file: (\S+)", setup))
    )
    assert needed == copied


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(deployment_file("compose.yaml"))
    assert isinstance(loaded, dict)
    return loaded


def test_compose_runs_replicas_that_share_a_store_that_nobody_else_can_reach(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert services["widgets"]["deploy"]["replicas"] > 1
    assert compose["networks"]["back"] == {"internal": True}
    assert services["valkey"]["networks"] == ["back"]
    assert "back" not in services["caddy"]["networks"]
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    used = {name for service in services.values() for name in service["networks"]}
    assert used == set(compose["networks"])
    volumes = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
    }
    assert {volume for volume in volumes if not volume.startswith("./")} == set(compose["volumes"])


def test_every_container_is_isolated_and_has_a_fixed_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert "build" in service or re.search(r":\d+\.\d+\.\d+-", service["image"]), name
        assert not service.get("privileged")
        assert not re.search(r"(?i)password|secret|token", str(service.get("environment", ""))), (
            name
        )


def test_the_configuration_of_the_replicas_is_one_and_fits_the_other_files(
    compose: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    text = deployment_file("widgets.toml")
    raw = {**tomllib.loads(text), "accounts": {"main": {"login": 1}}}
    settings = config.parse(raw, {}, registry.discover(), folder=Path(), demo=False)
    assert settings.cache.type == "RedisCache"
    assert settings.cache.redis_url
    assert settings.cache.redis_url.get_secret_value().startswith("redis://valkey:")
    assert settings.server.trusted_proxies == 1
    mounted = [volume.split(":")[1] for volume in compose["services"]["widgets"]["volumes"]]
    assert f"CABINET_WIDGETS_CONFIG={mounted[0]}" in of(dockerfile, "ENV")[0]
    assert (
        compose["services"]["caddy"]["environment"]["CABINET_WIDGETS"]
        == f"widgets:{of(dockerfile, 'EXPOSE')[0]}"
    )
