"""The questions of ``init``. Each answer is tested before the next question."""

import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import click
from werkzeug.security import generate_password_hash

from widget import config
from widget.api import clocks
from widget.api.client import Client
from widget.api.dialects import DIALECTS
from widget.api.records import AccountInformation
from widget.api.rows import Note
from widget.config import Account
from widget.config.writing import TomlValue, from_text
from widget.errors import CabinetError, ConfigError, OperatorError, Refused, Unavailable
from widget.names import Function
from widget.setup import passwords
from widget.setup.draft import Draft, check_slug

KNOWN_APIS = (
    "https://client-api.instaforex.com",
    "https://client-api.contentdatapro.com",
    "https://peanut.ifxdb.com",
)
"""Addresses at which this API is known to run."""

HISTORIES: tuple[Function, ...] = ("open_trades", "closed_trades")
"""Functions whose newest times are usually not long ago."""

EVERYBODY = "Everybody"
VISITORS = "Visitors who enter a password"
MEMBERS = "Members of my site, by tokens that it signs"

PLACEHOLDER_LOGIN = 1
"""Stands for the login while only the address of the API is known. It is never sent."""


class Questions:
    """Asks for the values of a draft.

    Args:
        draft: gets the answers. What it contains already is not asked.
        now: gives Unix seconds, which the API's times are compared with.
    """

    def __init__(self, draft: Draft, now: Callable[[], float] = time.time) -> None:
        self._draft = draft
        self._now = now
        # Given on the command line: if they do not work, asking again would not help.
        self._given = set(draft.values)
        # The answers that did not work, which Enter repeats: often only another one is wrong.
        self._earlier: dict[str, str] = {}

    def ask(self) -> None:
        """Ask all questions that the draft does not answer."""
        click.echo("Enter accepts the answer in brackets. Ctrl+C stops; nothing is written before")
        click.echo("the last answer.")
        click.echo()
        self._ask_for_slug()
        account, information = self._ask_for_connection()
        self._ask_for_clock(account)
        self._ask_for_identity(information)
        if not self._draft.existing:
            self._ask(
                "server.public_url",
                "Address that your visitors will use, with https (Enter to try it here first)",
                "http://127.0.0.1:8000",
            )
        self._ask_for_access()

    def _ask_for_slug(self) -> None:
        """Ask for the name of an account that is added, unless the command line contains it."""
        draft = self._draft
        if not draft.existing or draft.values:
            return
        while True:
            slug = click.prompt("Name in addresses", default=draft.slug).strip()
            try:
                check_slug(slug, draft.existing)
            except OperatorError as error:
                click.echo(str(error))
            else:
                draft.slug = slug
                return

    # -- The API ----------------------------------------------------------------------------------

    def _ask_for_connection(self) -> tuple[Account, AccountInformation]:
        """Ask for API, login and password until the API returns the account's balance."""
        draft = self._draft
        while True:
            self._ask_for_api()
            login = draft.key("login")
            self._ask(
                login,
                "Number of the trading account",
                self._earlier.get(login, ""),
                convert=from_text,
            )
            self._ask_for_password()
            click.echo("Calling the API …")
            try:
                account, information = self._detect()
            except CabinetError as error:
                has_password = draft.key("password_env") in draft.values
                click.echo(explain(error, has_password=has_password))
                self._ask_again(login, draft.key("password"))
                # A refusal means that the address is right.
                if not isinstance(error, Refused):
                    self._ask_again(draft.api_key("base_url"))
            else:
                click.echo(f"It works, with the dialect {account.api.dialect}.")
                click.echo()
                return account, information

    def _ask_for_api(self) -> None:
        """Ask for the API's address until a server responds there."""
        key = self._draft.api_key("base_url")
        while True:
            if key not in self._draft.values:
                self._choose_api(key)
            trial = self._draft.with_values({self._draft.key("login"): PLACEHOLDER_LOGIN})
            account = trial.check().accounts[trial.slug]
            try:
                new_client().reach(account)
            except Unavailable as error:
                click.echo(explain(error, has_password=False))
                self._ask_again(key)
            else:
                return

    def _choose_api(self, key: str) -> None:
        """Ask for the address, with the known ones to choose from, until the answer is valid."""
        known = list(KNOWN_APIS)
        shared = self._draft.shared_api()
        if shared:
            known = list(dict.fromkeys([shared, *KNOWN_APIS]))
        # There is no default answer: it would be the API of another broker.
        while True:
            click.echo("Address of your broker's Client Cabinet API:")
            answer = choose(known, "Number or address")
            # The shared address need not be repeated in the account.
            if answer == shared or self._store(key, answer):
                return

    def _ask_for_password(self) -> None:
        """Ask for the API password, without showing it."""
        key = self._draft.key("password")
        variants = {key, f"{key}_env", f"{key}_file"}
        if variants & self._draft.values.keys():
            return
        while True:
            password = click.prompt(
                "API password (Enter if the account has none)",
                default="",
                hide_input=True,
                show_default=False,
            )
            if not password:
                return
            try:
                self._draft.add_secret(key, password)
            except OperatorError as error:
                # Where Ctrl+V does not paste, it types a character that nobody sees.
                click.echo(str(error))
            else:
                return

    def _detect(self) -> tuple[Account, AccountInformation]:
        """Find out which dialect the API speaks, by trying.

        Raises:
            CabinetError: none works; the most helpful error.
        """
        draft = self._draft
        failures: list[CabinetError] = []
        for values in self._possible_dialects():
            trial = draft.with_values(values)
            account = trial.check().accounts[trial.slug]
            try:
                information = new_client().call(account, "balance")
            except CabinetError as error:
                failures.append(error)
            else:
                assert isinstance(information, AccountInformation)
                draft.values.update(values)
                return account, information
        # An API may refuse what it does not know, so that all dialects are tried first.
        refusals = [error for error in failures if isinstance(error, Refused)]
        raise [*refusals, *failures][0]

    def _possible_dialects(self) -> list[dict[str, TomlValue]]:
        """What to try: the values to add to the draft."""
        draft = self._draft
        key = draft.api_key("dialect")
        is_shared = draft.existing and draft.api_key("base_url") not in draft.values
        if is_shared or key in draft.values:
            return [{}]
        return [{key: name} for name in DIALECTS]

    def _ask_for_clock(self, account: Account) -> None:
        """Ask for the zone of the API's times if they are ahead of UTC."""
        key = self._draft.api_key("timezone")
        if key in self._draft.values:
            return
        offset = suggest_offset(account, self._now())
        if offset is None:
            return
        click.echo(f"The newest times that the API sends are in the future, as in UTC{offset}.")
        self._ask(key, "Time zone of the API's times", offset)

    # -- The account ------------------------------------------------------------------------------

    def _ask_for_identity(self, information: AccountInformation) -> None:
        """Ask what visitors see of the account in addition to its figures."""
        key = self._draft.key
        self._ask(key("name"), "Name that visitors see (Enter for none)")
        self._ask(key("timezone"), "Time zone in which your days begin", local_zone())
        self._ask(key("currency"), "Currency of the account", information.currency or "")

    def _ask_for_access(self) -> None:
        """Ask who may see the account."""
        key = self._draft.key
        if key("access") in self._draft.values:
            return
        click.echo("Who may see the account?")
        answer = choose([EVERYBODY, VISITORS, MEMBERS], "Number", may_be_other=False)
        if answer == EVERYBODY:
            return
        if answer == VISITORS:
            password = ask_for_viewer_password()
            self._draft.add_secret(key("viewer_password_hash"), generate_password_hash(password))
        else:
            self._draft.add_secret(key("embed_secret"), secrets.token_urlsafe(32))
        self._draft.values[key("access")] = "closed"
        self._ask(
            key("allowed_origins"),
            "Your site, which embeds it, such as https://blog.example.com (Enter for none)",
            convert=lambda answer: [answer],
        )

    # -- Answers ----------------------------------------------------------------------------------

    def _ask(
        self,
        key: str,
        question: str,
        default: str = "",
        convert: Callable[[str], TomlValue] = str,
    ) -> None:
        """Ask for a value until it is valid.

        Args:
            key: where to store it. A value that is there already is not asked.
            question: the text.
            default: what Enter means; empty if the value need not be given.
            convert: turns the text into the value.
        """
        while key not in self._draft.values:
            answer = click.prompt(question, default=default, show_default=bool(default)).strip()
            if answer:
                self._store(key, convert(answer))
            elif key != self._draft.key("login"):
                return

    def _store(self, key: str, value: TomlValue) -> bool:
        """Store a value if the configuration is valid with it; otherwise say what is wrong.

        Returns whether it is stored.
        """
        trial = self._draft.with_values({key: value})
        trial.values.setdefault(self._draft.key("login"), PLACEHOLDER_LOGIN)
        try:
            trial.check()
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem)
            return False
        self._draft.values[key] = value
        return True

    def _ask_again(self, *keys: str) -> None:
        """Discard answers that do not work, so that they are asked again.

        Raises:
            OperatorError: all of them were given on the command line.
        """
        # A secret is given under the name of its variable.
        asked = [key for key in keys if self._given.isdisjoint({key, f"{key}_env"})]
        if not asked:
            raise OperatorError(f"correct {' and '.join(keys)} after --set")
        for key in asked:
            self._earlier[key] = str(self._draft.values.get(key, ""))
            self._draft.discard(key)


def new_client() -> Client:
    """A client that knows no token. Notes about single fields are for ``check``."""

    def ignore(slug: str, note: Note) -> None:
        """Notes about single fields are printed by ``check``."""

    return Client(on_note=ignore)


def choose(choices: Sequence[str], question: str, *, may_be_other: bool = True) -> str:
    """One of several texts, which are numbered from 1, or another one."""
    for number, text in enumerate(choices, 1):
        click.echo(f"  {number}  {text}")
    while True:
        answer: str = click.prompt(question, default="1").strip()
        if answer.isdecimal():
            number = int(answer)
            if 1 <= number <= len(choices):
                return choices[number - 1]
        elif may_be_other:
            return answer
        click.echo(f"Enter a number from 1 to {len(choices)}.")


def explain(error: CabinetError, *, has_password: bool) -> str:
    """What to do about a call that failed, in one line."""
    if isinstance(error, Refused) and has_password:
        return (
            "The API refuses this password; or this machine's address is outside the IP mask that"
            " the account's owner has set in the client cabinet."
        )
    if isinstance(error, Refused):
        return "The API refuses this account without a password: enter its API password."
    if isinstance(error, Unavailable):
        # What the error names is a key, for which there is no question.
        advice = "Check the address, and whether this machine is connected to the internet."
        if "set ca_file" in str(error):
            advice = "To do so, stop and run init with --set api.ca_file=PATH."
        return f"The API cannot be reached: {error}. {advice}"
    return f"The API does not know this account at this address: check both ({error})."


def suggest_offset(account: Account, now: float) -> str | None:
    """The offset of the API's clock, such as ``+03:00``; None if its times are not ahead."""
    lead = timedelta(0)
    client = new_client()
    for function in HISTORIES:
        # The account works: a function that does not is for `check`.
        with suppress(CabinetError):
            result = client.call(account, function)
            lead = max(lead, clocks.lead_of(result, now))
    if not lead:
        return None
    return clocks.matching_offset(account.api, lead, now)


def local_zone() -> str:
    """The time zone of this machine; UTC if it has none with a name."""
    name = os.environ.get("TZ", "")
    link = Path("/etc/localtime")
    if not name and link.is_symlink():
        _, _, name = str(link.resolve()).partition("/zoneinfo/")
    if name in config.zones():
        return name
    return "UTC"


def ask_for_viewer_password() -> str:
    """The password that visitors will enter."""
    while True:
        password = passwords.ask("Password for your visitors")
        try:
            passwords.check(password)
        except OperatorError as error:
            click.echo(str(error))
            continue
        warning = passwords.warning(password)
        if warning:
            click.echo(warning)
        return password
