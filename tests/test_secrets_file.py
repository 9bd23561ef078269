"""``secrets.env``: what is written can be read here and by a shell, and mistakes are explained."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget import config
from widget.config import secrets_file
from widget.errors import ConfigError, OperatorError

WIDGETS = ("balance",)
ACCOUNT = '[accounts.main]\nlogin = 5\npassword_env = "API_PASSWORD"\n'


def password(folder: Path, **env: str) -> str | None:
    """The API password of the account, according to the files of a folder."""
    settings = config.load(folder / "widgets.toml", env, WIDGETS)
    secret = settings.accounts["main"].password
    return secret.get_secret_value() if secret else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration whose password is a variable."""
    (tmp_path / "widgets.toml").write_text(ACCOUNT)
    return tmp_path


def test_a_secret_comes_from_the_file_unless_the_environment_has_it(folder: Path) -> None:
    secrets_file.add(folder / "secrets.env", {"API_PASSWORD": "from the file"})
    assert password(folder) == "from the file"
    assert password(folder, API_PASSWORD="") == "from the file"
    assert password(folder, API_PASSWORD="from outside") == "from outside"


def test_the_file_is_for_its_owner_only_and_others_cause_a_warning(folder: Path) -> None:
    path = folder / "secrets.env"
    secrets_file.add(path, {"API_PASSWORD": "x"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert config.load(folder / "widgets.toml", {}, WIDGETS).warnings == ()
    path.chmod(0o644)
    [warning] = config.load(folder / "widgets.toml", {}, WIDGETS).warnings
    assert warning == f"other users can read {path}; run: chmod 600 {path}"


def test_lines_are_added_and_none_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("# mine\nFIRST=1")
    path.chmod(0o600)
    secrets_file.add(path, {"SECOND": "2"})
    assert path.read_text() == "# mine\nFIRST=1\nSECOND='2'\n"


def test_nothing_is_added_to_a_file_that_others_may_use(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.touch()
    for mode in (0o644, 0o640, 0o602):
        path.chmod(mode)
        with pytest.raises(OperatorError, match="is not for you alone; run: chmod 600 "):
            secrets_file.add(path, {"API_PASSWORD": "x"})
    path.chmod(0o600)
    link = tmp_path / "link.env"
    for target in (path, tmp_path / "elsewhere"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(OperatorError, match="is a link"):
            secrets_file.add(link, {"API_PASSWORD": "x"})
    assert path.read_text() == ""
    assert not (tmp_path / "elsewhere").exists()


# Control characters and line breaks are rejected before.
VALUES = st.text(max_size=30).filter(str.isprintable)


@given(value=VALUES)
def test_any_value_is_read_as_it_was_written_here_and_by_a_shell(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("secrets") / "secrets.env"
    secrets_file.add(path, {"BEFORE": "b", "VALUE": value, "AFTER": "a"})
    assert secrets_file.read(path).values == {"BEFORE": "b", "VALUE": value, "AFTER": "a"}
    shell = ["sh", "-c", '. "$0" && printf %s "$VALUE$AFTER"', str(path)]
    assert subprocess.run(shell, capture_output=True, check=True).stdout == f"{value}a".encode()


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A='x y'", "x y"),
        ('A="a $ \\"b\\" \\$c"', 'a $ "b" $c'),
        ("A='x' # why", "x"),
        ("A=x # why", "x"),
        ("A=x#y", "x#y"),
        ("A=", ""),
        ("  A='x'  ", "x"),
    ],
)
def test_lines_that_people_write_are_read(line: str, value: str) -> None:
    assert secrets_file.parse(f"\n# A='no'\n{line}\r\n", Path("secrets.env")) == {"A": value}


@pytest.mark.parametrize("line", ["A='x", "A=x y", "A = 'x'", "x", "A='it's'", 'A="x', "1A=x"])
def test_any_other_line_is_named_by_its_number_and_not_repeated(line: str, folder: Path) -> None:
    (folder / "secrets.env").write_text(f"API_PASSWORD='x'\n{line}\n")
    with pytest.raises(OperatorError) as caught:
        password(folder)
    path = folder / "secrets.env"
    assert str(caught.value) == f"{path}, line 2: write NAME='value', in single quotes"


def test_a_file_that_cannot_be_read_matters_only_if_a_variable_is_missing(folder: Path) -> None:
    """As with systemd, which reads it as root and passes the variables on."""
    (folder / "secrets.env").mkdir()
    assert password(folder, API_PASSWORD="from systemd") == "from systemd"
    with pytest.raises(ConfigError) as caught:
        password(folder)
    missing, unreadable = caught.value.problems
    assert "API_PASSWORD is not set" in missing
    assert "secrets.env: cannot be read" in unreadable
