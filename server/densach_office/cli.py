"""`densach office …`: run one, give out a pairing code, add an account."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from densach_core.accounts.model import Account, Role
from densach_core.clock import SystemClock
from densach_core.logs import configure
from densach_core.place import occupied, running
from densach_office.app import open_office, run_office
from densach_office.schools.model import ChildKind
from densach_office.settings import office_settings

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The office's data folder; an empty one opens a set-up page.",
)


@click.group(epilog="Example: densach office run --data /var/lib/densach-office --http 0.0.0.0:8081")
def command() -> None:
    """An office: any level above a school."""


@command.command(epilog="Example: densach office run --data ./office --http 127.0.0.1:8081")
@_data
@click.option("--http", metavar="HOST:PORT", help="Where to listen (default 127.0.0.1:8081, or densach.toml).")
@click.option("--database", metavar="URL", help="A PostgreSQL address instead of the data folder's SQLite (not yet).")
def run(data: Path, http: str | None, database: str | None) -> None:
    """Run the office until it is stopped (Ctrl-C, SIGTERM)."""
    if database is not None:
        raise click.UsageError("--database: only SQLite in the data folder works so far. Leave the option out.")
    settings = office_settings(data)
    if http is not None:
        settings = msgspec.structs.replace(settings, web=msgspec.structs.replace(settings.web, http=http))
    configure(level=settings.logs.level)

    def ready(address: str, first_code: str | None) -> None:
        click.echo(f"Đèn Sách office: {address}")
        if first_code is not None:
            click.echo(f"Not set up yet. Open {address}/setup and type this code: {first_code}")
        sys.stdout.flush()

    asyncio.run(run_office(data, settings, ready=ready))


@command.command(epilog="Example: densach office code --data ./office --school 79761234 --name 'THCS Ánh Sáng'")
@_data
@click.option("--school", required=True, help="The school's code (or a lower office's id with --office).")
@click.option("--name", default="", help="Its name, shown until it tells its own.")
@click.option("--office", "is_office", is_flag=True, help="The code is for an office below, not for a school.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def code(data: Path, school: str, name: str, is_office: bool, as_json: bool) -> None:
    """Give out a one-time pairing code."""
    if not (data / "office.db").is_file():
        raise click.ClickException(
            f"There is no office in {data}. Check the path; a new office begins with: densach office run --data {data}"
        )
    kind = ChildKind.OFFICE if is_office else ChildKind.SCHOOL

    async def issue() -> str:
        async with open_office(data, SystemClock()) as office:
            return await office.pairing.issue(code=school, name=name, kind=kind, by="command")

    plain = asyncio.run(issue())
    if as_json:
        click.echo(msgspec.json.encode({"school": school, "code": plain}).decode())
    else:
        click.echo(plain)
        click.echo(f"Type it at the school under /reports/upward, or: densach hub pair --code-file F ({school})", err=True)


@command.group(epilog="Example: densach office user add lan --role office --data ./office < password.txt")
def user() -> None:
    """Accounts of this office."""


@user.command(epilog="Example: densach office user add lan --name 'Nguyễn Thị Lan' --role office --data ./office")
@click.argument("login")
@_data
@click.option("--role", type=click.Choice([Role.OFFICE.value, Role.ADMIN.value]), required=True)
@click.option("--name", help="The person's name (default: the log-in name).")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def add(login: str, data: Path, role: str, name: str | None, as_json: bool) -> None:
    """Add an account; the password (at least 14 characters) comes on standard input, or is asked for."""
    if sys.stdin.isatty():
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if len(secret) < 14:
        raise click.ClickException("The password needs at least 14 characters.")

    async def store() -> Account:
        async with open_office(data, SystemClock()) as office:
            return await office.accounts.add(
                login=login, name=name or login, roles=frozenset({Role(role)}), secret=secret, by="command"
            )

    if running(data) is None:
        with occupied(data):
            account = asyncio.run(store())
    else:
        account = asyncio.run(store())
    if as_json:
        click.echo(msgspec.json.encode({"id": account.id, "login": account.login, "roles": sorted(account.roles)}).decode())
    else:
        click.echo(f"Added {login} ({role}).")
