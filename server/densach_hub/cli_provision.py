"""`densach inventory` and `densach provision`: through a hub's API with a token, or straight on its data folder."""

import asyncio
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from densach_core.place import kept_clock
from densach_hub.provisioning.model import HostResult, HostState, Order, Play, Run, RunState

if TYPE_CHECKING:
    from densach_hub.provisioning.service import Provisioning

T = TypeVar("T")
HUB = click.option("--hub", envvar="DENSACH_HUB_URL", help="The hub's address (DENSACH_HUB_URL).", metavar="URL")
TOKEN = click.option(
    "--token-file", envvar="DENSACH_TOKEN_FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="A file with a technician's token (DENSACH_TOKEN_FILE).", metavar="F",
)  # fmt: skip
TRUST = click.option(
    "--ca-file", envvar="DENSACH_CA_FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The hub's own authority, where it is not trusted yet (DENSACH_CA_FILE).", metavar="F",
)  # fmt: skip
DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
    help="On the hub itself: its data folder, whether it is running or not.",
)  # fmt: skip
SIGNS = {
    HostState.WAITING: "·", HostState.RUNNING: "…", HostState.OK: "✓", HostState.CHANGED: "+", HostState.FAILED: "✗",
    HostState.UNREACHABLE: "?", HostState.CUT: "✗",
}  # fmt: skip


class Hub:
    """A hub as its API shows it. Every failure is one line and exit code 1."""

    def __init__(self, url: str, token_file: Path | None, ca_file: Path | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"{url} is no http address", param_hint="--hub")
        if token_file is None:
            raise click.UsageError("--hub needs --token-file (made by: densach token create --role technician)")
        try:
            self._token = token_file.expanduser().read_text("utf-8").strip()
        except OSError as error:
            raise click.ClickException(f"{token_file}: {error.strerror}") from error
        self._url = url.rstrip("/")
        self._trust = ssl.create_default_context(cafile=ca_file) if url.startswith("https") else None

    def ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self._url}/api/v1/provisioning{path}",
            method=method,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._trust) as answer:  # noqa: S310
                said = answer.read()
        except urllib.error.HTTPError as error:
            raise click.ClickException(_told(error)) from error
        except OSError as error:
            raise click.ClickException(f"{self._url}: {getattr(error, 'reason', error)}") from error
        return msgspec.json.decode(said or b"null", type=kind)


def _told(error: urllib.error.HTTPError) -> str:
    with suppress(ValueError, OSError):
        problem = json.loads(error.read())
        sentences = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
        return f"{' '.join(sentences)} ({problem.get('code', error.code)})"
    return f"{error.code} {error.reason}"


def _meant(hub: str | None, data: Path | None) -> str | None:
    """The hub to ask, None for the data folder, which wins over the environment. Raises UsageError."""
    source = click.get_current_context().get_parameter_source("hub")
    if data is not None and source is click.core.ParameterSource.ENVIRONMENT:
        hub = None
    if (hub is None) == (data is None):
        raise click.UsageError("Give either --hub URL with --token-file F, or --data DIR on the hub itself.")
    return hub


def _must_be_owner(data: Path) -> None:
    owner = data.stat().st_uid
    if os.geteuid() != owner:
        raise click.ClickException(f"{data} belongs to another user. Run it as that user: sudo -u '#{owner}' densach provision …")


def _on_data(data: Path, work: Callable[["Provisioning"], Any]) -> Any:
    """Something done with the hub's rooms, opened for it."""
    from densach_hub.opening import open_rooms

    async def inside() -> Any:
        async with open_rooms(data, kept_clock(data)) as rooms:
            await rooms.provisioning.settle()
            try:
                return await work(rooms.provisioning)
            finally:
                await rooms.provisioning.close()

    return asyncio.run(inside())


@click.command(epilog="Example: densach inventory --list --hub https://densach.lan --token-file ~/.config/densach/token")
@click.option("--list", "whole", is_flag=True, help="All groups and machines.")
@click.option("--host", help="The variables of one machine.", metavar="NAME")
@HUB
@TOKEN
@TRUST
@DATA
def inventory(
    whole: bool, host: str | None, hub: str | None, token_file: Path | None, ca_file: Path | None, data: Path | None
) -> None:
    """The hub's machines as a dynamic inventory for Ansible: rooms, models, systems and states as groups."""
    if whole == (host is not None):
        raise click.UsageError("Give either --list or --host NAME.")
    hub = _meant(hub, data)
    found: dict[str, Any]
    if hub is not None:
        found = Hub(hub, token_file, ca_file).ask("GET", "/inventory", dict[str, Any])
    else:
        assert data is not None  # noqa: S101 - one of the two was given

        async def work(service: "Provisioning") -> dict[str, Any]:
            return (await service.inventory()).script()

        found = _on_data(data, work)
    if host is not None:
        found = found["_meta"]["hostvars"].get(host, {})
    click.echo(msgspec.json.encode(found))


@click.command(epilog="Example: densach provision lab --room phong-tin-hoc-1 --check --data /var/lib/densach")
@click.argument("play", required=False)
@click.option("--list", "listing", is_flag=True, help="The plays there are.")
@click.option("--room", help="Every machine of a room that can be reached.", metavar="R")
@click.option("--machine", "machines", multiple=True, help="A machine, by name or id; may be given again.", metavar="M")
@click.option("--check", is_flag=True, help="Only try: say what would change.")
@click.option("-e", "--value", "given", multiple=True, help="A value the play takes; may be given again.", metavar="NAME=VALUE")
@click.option("--user", default="", help="Whom to log in as on the machines (default: setting provision.user).")
@click.option("--ask-become-pass", is_flag=True, help="Ask for the password for sudo; it is stored nowhere.")
@click.option("--become-pass-file", type=click.File("r"), help="Read it from a file (- for standard input).", metavar="F")
@click.option("--yes", is_flag=True, help="A dangerous play is really meant.")
@click.option("--forget", help="Forget the host key of a machine that was installed anew.", metavar="M")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@HUB
@TOKEN
@TRUST
@DATA
def provision(
    play: str | None, listing: bool, room: str | None, machines: tuple[str, ...], check: bool, given: tuple[str, ...], user: str,
    ask_become_pass: bool, become_pass_file: Any, yes: bool, forget: str | None, as_json: bool, hub: str | None,
    token_file: Path | None, ca_file: Path | None, data: Path | None,
) -> None:  # fmt: skip
    """Run a play on machines from the hub, and wait for it. `densach provision key` prints the hub's ssh key.

    Exits 1 when a machine failed or was not reached. What became of it stays on the hub's page /lab/provision.
    """
    hub = _meant(hub, data)
    if data is not None:
        _must_be_owner(data)
    if sum((play is not None, listing, forget is not None)) != 1:
        raise click.UsageError("Give a play, or --list, or the word key, or --forget MACHINE.")
    values: dict[str, str | int | bool] = {}
    for one in given:
        name, is_given, value = one.partition("=")
        if not is_given:
            raise click.BadParameter(f"{one}: write it like name=value", param_hint="-e")
        values[name.strip()] = value
    far = Hub(hub, token_file, ca_file) if hub is not None else None
    if listing:
        _show_plays(far, data, as_json=as_json)
        return
    if forget is not None:
        _forget(far, data, forget)
        return
    if play == "key":
        _show_key(far, data, as_json=as_json)
        return
    password = click.prompt("Password for sudo on the machines", hide_input=True, err=True) if ask_become_pass else ""
    if become_pass_file is not None:
        password = become_pass_file.readline().rstrip("\r\n")
    order = Order(
        play=play or "", room=room, machines=machines, check=check, confirmed=yes, values=values, user=user, password=password
    )
    shown = Shown(quiet=as_json)
    run = _far_run(far, order, shown) if far is not None else _near_run(data, order, shown)
    shown.end(run)
    if as_json:
        click.echo(msgspec.json.encode(run))
    if run.state is not RunState.DONE:
        raise SystemExit(1)


class Shown:
    """What is printed while a run goes on: each machine once its state changes, on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._seen: dict[str, HostState] = {}
        self._task = ""

    def look(self, run: Run) -> None:
        if self._quiet:
            return
        if run.task and run.task != self._task:
            self._task = run.task
            click.echo(f"  {run.task}", err=True)
        for host in run.hosts:
            if host.state is not self._seen.get(host.host) and host.state not in (HostState.WAITING, HostState.RUNNING):
                self._line(host)

    def _line(self, host: HostResult) -> None:
        self._seen[host.host] = host.state
        why = f": {host.task}: {host.message}" if host.state.bad else f" ({host.changed})" if host.changed else ""
        click.echo(f"{SIGNS[host.state]} {host.host} {host.state.value}{why}", err=True)

    def end(self, run: Run) -> None:
        self._task = run.task
        self.look(run)
        if not self._quiet:
            well = len(run.hosts) - len(run.bad)
            more = f" ({run.reason})" if run.reason else ""
            click.echo(f"{run.state.value}{more}: {well} of {len(run.hosts)} machines. See /lab/provision/runs/{run.id}")


def _far_run(hub: Hub, order: Order, shown: Shown) -> Run:
    run = hub.ask("POST", "/runs", Run, order)
    try:
        while not run.state.over:
            time.sleep(1)
            run = hub.ask("GET", f"/runs/{run.id}", Run)
            shown.look(run)
    except KeyboardInterrupt:
        click.echo("Stopping it …", err=True)
        hub.ask("POST", f"/runs/{run.id}/stop", Any)
        while not run.state.over:
            time.sleep(0.5)
            run = hub.ask("GET", f"/runs/{run.id}", Run)
    return run


def _near_run(data: Path | None, order: Order, shown: Shown) -> Run:
    assert data is not None  # noqa: S101 - one of the two was given

    async def work(service: "Provisioning") -> Run:
        run = await service.start(order, by="command")
        waiting = asyncio.create_task(service.wait(run.id), name="wait for a run")
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=1)
            shown.look(await service.history.one(run.id))
        return await waiting

    found: Run = _on_data(data, work)
    return found


def _show_plays(hub: Hub | None, data: Path | None, *, as_json: bool) -> None:
    if hub is not None:
        found = msgspec.convert(hub.ask("GET", "/plays", dict[str, Any])["plays"], list[Play])
    else:
        assert data is not None  # noqa: S101 - one of the two was given

        async def work(service: "Provisioning") -> list[Play]:
            return list(service.plays())

        found = _on_data(data, work)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    locale = "vi" if (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").startswith("vi") else "en"
    for play in found:
        click.echo(f"{play.name}: {play.title.say(locale)}. {play.about.say(locale)}")
        for variable in play.variables:
            more = "|".join(variable.choices) or variable.kind.value
            click.echo(f"    -e {variable.name}={more}  {variable.label.say(locale)}{' *' if variable.required else ''}")


def _forget(hub: Hub | None, data: Path | None, machine: str) -> None:
    if hub is not None:
        hub.ask("DELETE", f"/host-keys/{machine}", Any)
    else:
        assert data is not None  # noqa: S101 - one of the two was given
        _on_data(data, lambda service: service.forget(machine, by="command"))
    click.echo("Forgotten: the next host key of this machine is believed.")


def _show_key(hub: Hub | None, data: Path | None, *, as_json: bool) -> None:
    if hub is not None:
        line = str(hub.ask("GET", "/key", dict[str, Any])["public_key"])
    else:
        assert data is not None  # noqa: S101 - one of the two was given

        async def work(service: "Provisioning") -> str:
            return service.public_key()

        line = _on_data(data, work)
    click.echo(msgspec.json.encode({"public_key": line}).decode() if as_json else line)
    if not as_json and sys.stdout.isatty():
        click.echo("Put this line into ~/.ssh/authorized_keys of the user the hub logs in as, on each machine.", err=True)
