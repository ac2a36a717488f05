"""Commands of a hub. Every one that touches data takes `--data DIR`."""

import asyncio
import sys
from pathlib import Path
from typing import TextIO

import click
import msgspec

from densach_core.accounts.model import Role
from densach_core.place import kept_clock, occupied
from densach_hub.settings import HubSettings, hub_settings

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The hub's data folder.", metavar="DIR"
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
ROLE = click.option("--role", "roles", type=click.Choice([role.value for role in Role]), multiple=True, required=True)


def _folder(settings: HubSettings, data: Path) -> Path:
    return data / settings.backup.folder if settings.backup.folder else data / "backups"


@click.group(epilog="Example: densach hub run --data /var/lib/densach --http 0.0.0.0:80")
def hub() -> None:
    """The school's hub: run it, pair it with an office."""


@hub.command("run", epilog="Example: densach hub run --data /var/lib/densach --http 0.0.0.0:80")
@DATA
@click.option("--http", help="Where to serve the pages (default 127.0.0.1:8080).", metavar="HOST:PORT")
@click.option("--mqtt", help="The broker (default embedded).", metavar="embedded[:PORT]|mqtt://…|mqtts://…")
def run(data: Path, http: str | None, mqtt: str | None) -> None:
    """Run the hub until it is told to stop. An empty folder opens a set-up page."""
    from densach_core import logs
    from densach_hub.app import run_hub

    settings = hub_settings(data)
    if http is not None:
        settings = msgspec.structs.replace(settings, web=msgspec.structs.replace(settings.web, http=http))
    if mqtt is not None:
        settings = msgspec.structs.replace(settings, mqtt=msgspec.structs.replace(settings.mqtt, url=mqtt))
    logs.configure(level=settings.logs.level)
    asyncio.run(run_hub(data, settings, ready=lambda lines: click.echo("\n".join(lines))))


@hub.command("pair", epilog="Example: densach hub pair --data DIR --office https://office.example --code-file code.txt")
@DATA
@click.option("--office", required=True, help="The office's address.", metavar="URL")
@click.option(
    "--code-file", type=click.File("r"), required=True, help="A file with the code the office gave (- for standard input)."
)
def pair(data: Path, office: str, code_file: TextIO) -> None:
    """Make an office know this hub's key."""
    from densach_hub.opening import open_rooms

    code = code_file.read().strip()

    async def work() -> str:
        async with open_rooms(data, kept_clock(data)) as rooms:
            return (await rooms.sender.pair(office, code)).name

    name = asyncio.run(work())
    click.echo(f"Paired with {name}. The school's figures go there from now on.")


@click.command(epilog="Example: printf %s 'a long password' | densach user add lan --role technician --data DIR")
@DATA
@click.argument("name")
@click.option("--full-name", help="The person's name (default: the log-in).")
@ROLE
def add(data: Path, name: str, full_name: str | None, roles: tuple[str, ...]) -> None:
    """Add somebody who may sign in; the password comes from a prompt or standard input."""
    from densach_hub.opening import open_rooms

    secret = click.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.readline()

    async def work() -> str:
        async with open_rooms(data, kept_clock(data)) as rooms:
            account = await rooms.accounts.add(
                login=name,
                name=full_name or name,
                roles=frozenset(Role(role) for role in roles),
                by="command",
                secret=secret.rstrip("\n"),
            )
        return account.login

    click.echo(f"{asyncio.run(work())} may sign in now.")


@click.group(epilog="Example: densach user add lan --role technician --data DIR")
def user() -> None:
    """Who may sign in."""


user.add_command(add)


@click.group(epilog="Example: densach token create --name grafana --role technician --data DIR")
def token() -> None:
    """Programs' keys to the API."""


@token.command("create", epilog="Example: densach token create --name grafana --role technician --data DIR")
@DATA
@click.option("--name", default="command", help="What the token is for.")
@ROLE
@JSON
def create_token(data: Path, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Create a token; its text is shown once."""
    from densach_hub.opening import open_rooms

    async def work() -> str:
        async with open_rooms(data, kept_clock(data)) as rooms:
            _, text = await rooms.accounts.create_token(name=name, roles=frozenset(Role(role) for role in roles), by="command")
        return text

    text = asyncio.run(work())
    click.echo(msgspec.json.encode({"token": text}).decode() if as_json else text)


@click.command(epilog="Example: densach backup /media/stick --data DIR")
@DATA
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@JSON
def backup(data: Path, folder: Path, as_json: bool) -> None:
    """Back a hub up, running or not, into DIR."""
    from densach_hub.upkeep.backup import backup as take

    place = take(
        data,
        folder,
        now_ms=kept_clock(data).now_ms(),
        told=lambda what: click.echo(f"  {what}", err=True) if not as_json else None,
    )
    click.echo(msgspec.json.encode({"folder": str(place)}).decode() if as_json else f"Complete: {place}")


@click.command(epilog="Example: densach restore /media/stick --data /var/lib/densach")
@DATA
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
def restore(data: Path, folder: Path) -> None:
    """Put the newest backup in DIR back into an empty data folder."""
    from densach_hub.upkeep.backup import restore as put_back

    with occupied(data):
        manifest = put_back(folder, data, told=lambda what: click.echo(f"  {what}", err=True))
    click.echo(
        f"Restored {len(manifest.parts)} files and {len(manifest.stored)} library files. Start it: densach hub run --data {data}"
    )


@click.command(epilog="Example: densach doctor --data DIR")
@DATA
@JSON
def doctor(data: Path, as_json: bool) -> None:
    """Examine a hub: clock, disk, broker, certificates, databases, backup age. Exits 1 when something is broken."""
    from densach_core.web.site import languages
    from densach_hub.upkeep.doctor import Verdict, examine
    from densach_hub.web_rooms import every_room

    findings = examine(data, _folder(hub_settings(data), data), kept_clock(data))
    say = languages(every_room()).say
    if as_json:
        click.echo(
            msgspec.json.encode(
                [
                    {
                        "subject": f.subject,
                        "verdict": f.verdict,
                        "what": say(f.what, "en"),
                        "do": say(f.do, "en") if f.do else None,
                    }
                    for f in findings
                ]
            )
        )
    else:
        marks = {Verdict.FINE: "✓", Verdict.LOOK: "!", Verdict.BROKEN: "✗"}
        for finding in findings:
            click.echo(f"{marks[finding.verdict]} {say(finding.what, 'vi')}")
            if finding.do is not None:
                click.echo(f"    → {say(finding.do, 'vi')}")
    if any(finding.verdict is Verdict.BROKEN for finding in findings):
        raise SystemExit(1)
