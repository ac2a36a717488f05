"""Commands of a hub. Every one that touches data takes `--data DIR`."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click
import msgspec

from densach_core.accounts.model import Account, Role
from densach_core.errors import Problem
from densach_core.place import host_and_port, kept_clock, occupied
from densach_core.sender.model import Parent
from densach_hub.cli_options import DATA, JSON, NEW, tell
from densach_hub.link.choice import check as check_broker
from densach_hub.settings import HubSettings, hub_settings
from densach_hub.setup_command import set_up_command
from densach_hub.upkeep.cli import try_backup

ROLE = click.option("--role", "roles", type=click.Choice([role.value for role in Role]), multiple=True, required=True)


def _folder(settings: HubSettings, data: Path) -> Path:
    return data / settings.backup.folder if settings.backup.folder else data / "backups"


def _fits(flag: str, look: Callable[[], object]) -> None:
    """A flag that does not fit is a wrong call (exit 2), said in one line before anything is started."""
    try:
        look()
    except Problem as problem:
        raise click.BadParameter(str(problem), param_hint=flag) from problem


@click.group(epilog="Example: densach hub run --data /var/lib/densach --http 0.0.0.0:80")
def hub() -> None:
    """The school's hub: run it, pair it with an office."""


@hub.command("run", epilog="Example: densach hub run --data /var/lib/densach --http 0.0.0.0:80")
@NEW
@click.option("--http", help="Where to serve the pages (default 127.0.0.1:8080).", metavar="HOST:PORT")
@click.option("--mqtt", help="The broker (default embedded).", metavar="embedded[:PORT]|mqtt://…|mqtts://…")
def run(data: Path, http: str | None, mqtt: str | None) -> None:
    """Run the hub until it is told to stop. An empty folder opens a set-up page."""
    from densach_core import logs
    from densach_hub.app import run_hub

    settings = hub_settings(data)
    if http is not None:
        _fits("--http", lambda: host_and_port(http))
        settings = msgspec.structs.replace(settings, web=msgspec.structs.replace(settings.web, http=http))
    if mqtt is not None:
        settings = msgspec.structs.replace(settings, mqtt=msgspec.structs.replace(settings.mqtt, url=mqtt))
        _fits("--mqtt", lambda: check_broker(settings.mqtt))
    for address in filter(None, (settings.web.http, settings.web.https)):
        host_and_port(address)
    check_broker(settings.mqtt)
    logs.configure(level=settings.logs.level)
    asyncio.run(run_hub(data, settings, ready=lambda lines: click.echo("\n".join(lines))))


@hub.command("pair", epilog="Example: densach hub pair --data DIR --office https://office.example --code-file code.txt")
@DATA
@click.option("--office", required=True, help="The office's address.", metavar="URL")
@click.option(
    "--code-file", type=click.File("r"), required=True, help="A file with the code the office gave (- for standard input)."
)
@JSON
def pair(data: Path, office: str, code_file: TextIO, as_json: bool) -> None:
    """Make an office know this hub's key."""
    from densach_hub.opening import open_rooms

    code = code_file.read().strip()

    async def work() -> Parent:
        async with open_rooms(data, kept_clock(data)) as rooms:
            return await rooms.sender.pair(office, code)

    parent = asyncio.run(work())
    tell(
        {"office": parent.office, "name": parent.name, "url": parent.url},
        f"Paired with {parent.name}. The school's figures go there from now on.",
        as_json=as_json,
    )


@hub.command("kit", epilog="Example: densach hub kit --data /var/lib/densach")
@DATA
@JSON
def kit(data: Path, as_json: bool) -> None:
    """Fetch what lab machines install their agent from, once, where there is Internet; /join needs none after it."""
    from densach_hub.fleet.kit import KitProblem, fill

    try:
        names = fill(data / "kit")
    except KitProblem as problem:
        raise click.ClickException(str(problem)) from problem
    tell(
        {"folder": str(data / "kit"), "files": list(names)},
        f"{len(names)} files in {data / 'kit'}: the line on /join now works without Internet.",
        as_json=as_json,
    )


hub.add_command(set_up_command)
hub.add_command(try_backup)


@click.command(epilog="Example: printf %s 'a long password' | densach user add lan --role technician --data DIR")
@DATA
@click.argument("name")
@click.option("--full-name", help="The person's name (default: the log-in).")
@ROLE
@JSON
def add(data: Path, name: str, full_name: str | None, roles: tuple[str, ...], as_json: bool) -> None:
    """Add somebody who may sign in; the password comes from a prompt or standard input."""
    from densach_hub.opening import open_rooms

    secret = click.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.readline()

    async def work() -> Account:
        async with open_rooms(data, kept_clock(data)) as rooms:
            return await rooms.accounts.add(
                login=name,
                name=full_name or name,
                roles=frozenset(Role(role) for role in roles),
                by="command",
                secret=secret.rstrip("\n"),
            )

    account = asyncio.run(work())
    tell(
        {"id": account.id, "login": account.login, "roles": sorted(account.roles)},
        f"{account.login} may sign in now.",
        as_json=as_json,
    )


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
@NEW
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@JSON
def restore(data: Path, folder: Path, as_json: bool) -> None:
    """Put the newest backup in DIR back into an empty data folder."""
    from densach_hub.upkeep.backup import restore as put_back

    lost: list[str] = []
    with occupied(data):
        manifest = put_back(
            folder, data, told=lambda what: None if as_json else click.echo(f"  {what}", err=True), without=lost.append
        )
    for name in lost:
        click.echo(f"! left out, damaged or missing in the backup: files/{name}", err=True)
    library = len(manifest.stored) - len(lost)
    tell(
        {"taken_at": manifest.taken_at, "files": len(manifest.parts), "library_files": library, "left_out": lost},
        f"Restored {len(manifest.parts)} files and {library} library files. Start it: densach hub run --data {data}",
        as_json=as_json,
    )


@click.command(epilog="Example: densach doctor --data DIR")
@DATA
@JSON
def doctor(data: Path, as_json: bool) -> None:
    """Examine a hub: clock, disk, broker, certificates, databases, backup age. Exits 1 when something is broken."""
    from densach_core.web.site import languages
    from densach_hub.upkeep.doctor import Verdict, examine
    from densach_hub.web_rooms import every_room

    settings = hub_settings(data)
    findings = examine(data, _folder(settings, data), kept_clock(data), settings.mqtt)
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


@click.group(epilog="Example: densach roster import hoc-sinh.xlsx --data DIR")
def roster() -> None:
    """Classes, pupils and teachers."""


@roster.command("import", epilog="Example: densach roster import hoc-sinh.xlsx --data DIR")
@DATA
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do it without asking.")
@JSON
def roster_import(data: Path, file: Path, yes: bool, as_json: bool) -> None:
    """Import a CSV or XLSX file: shows what will change, then asks. Nothing is deleted because it is absent.

    With --json nothing is asked: it is only imported together with --yes.
    """
    from densach_core.web.site import languages
    from densach_hub.opening import open_rooms
    from densach_hub.people.plan import Plan, What
    from densach_hub.web_rooms import every_room

    body = file.read_bytes()
    say = languages(every_room()).say

    def planned(plan: Plan, *, done: bool) -> None:
        facts: dict[str, Any] = {what.value: plan.count(what) for what in What}
        odd = [{"sheet": p.sheet, "row": p.row, "code": p.code, "used": not p.fatal} for p in plan.problems]
        tell(facts | {"missing": len(plan.missing), "problems": odd, "imported": done}, "", as_json=True)

    async def work() -> bool:
        async with open_rooms(data, kept_clock(data)) as rooms:
            preview = await rooms.people.rosters.preview(file.name, body, by="command")
            plan = preview.plan
            if not as_json:
                for what in What:
                    click.echo(f"{plan.count(what):6} {what.value}")
                click.echo(f"{len(plan.missing):6} not in the file (kept as they are)")
                for problem in plan.problems:
                    click.echo(f"  {problem.sheet} {problem.row}: {say(problem.text, 'vi')} ({problem.code})", err=True)
            if not plan.changes_anything:
                planned(plan, done=False) if as_json else click.echo("Nothing to do.")
                return True
            if not yes and (as_json or not click.confirm("Import this?")):
                await rooms.people.rosters.drop(preview.id)
                if as_json:
                    planned(plan, done=False)
                return as_json
            await rooms.people.rosters.apply(preview.id, preview.mark, by="command")
        planned(plan, done=True) if as_json else click.echo("Done. Log-in slips: open the hub's page of a class.")
        return True

    if not asyncio.run(work()):
        raise SystemExit(1)
