"""Tokens created by the code in docs/security.md open the widget."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import documents
import jwt
import pytest
from conftest import Service
from programs import find_program

pytestmark = pytest.mark.programs

SECRET = "an embed secret of more than 32 bytes: + / ' $ü"
PROGRAMS = {"php": ("php", "token.php"), "js": ("node", "token.js"), "sh": ("sh", "token.sh")}


def created_token(language: str, folder: Path) -> str:
    """The token that the documented code prints."""
    program, name = PROGRAMS[language]
    lines = documents.code_block(documents.DOCS / "security.md", language)
    assert len(lines.splitlines()) == 5
    (folder / name).write_text(lines)
    command = [find_program(program), name]
    environment = {**os.environ, "MAIN_EMBED_SECRET": SECRET}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_token_created_by_the_documented_code_opens_the_widget(
    language: str, serve: Callable[..., Service], tmp_path: Path
) -> None:
    closed = {
        "login": 1000001,
        "access": "closed",
        "embed_secret": f"{SECRET}, the older one of 32 bytes and more",
    }
    # The programs of the other languages use the real clock, so the service must, too.
    service = serve(accounts={"main": closed}, clock=time.time)  # noqa: TID251
    before = int(time.time())  # noqa: TID251
    token = created_token(language, tmp_path)
    after = int(time.time())  # noqa: TID251
    assert service.get("/w/main/balance").status_code == 401
    page = service.get(f"/w/main/balance?token={token}")
    assert page.status_code == 200
    assert '<html lang="fr"' in page.text
    assert "balance" in service.json(f"/w/main/balance.json?token={token}")
    assert service.get(f"/w/main/balance?token={token}&lang=de").status_code == 400
    assert service.get(f"/w/main/lots?token={token}").status_code == 401
    claims = jwt.decode(token, SECRET, ["HS256"])
    assert claims.keys() == {"sub", "exp", "params"}
    assert before <= claims["exp"] - 600 <= after


def test_the_documented_programs_create_the_same_token(tmp_path: Path) -> None:
    """Header and claims are the same except for the time; the encoding is unpadded base64url."""
    tokens = [created_token(language, tmp_path) for language in PROGRAMS]
    for token in tokens:
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", token)
    claims = [jwt.decode(token, SECRET, ["HS256"]) | {"exp": 0} for token in tokens]
    assert claims[0] == claims[1] == claims[2]
    assert (
        len({json.dumps(jwt.get_unverified_header(token), sort_keys=True) for token in tokens}) == 1
    )
