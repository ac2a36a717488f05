"""`densach agent …`. Imports what a command needs when it runs."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from densach_agent.words import say

DEFAULT_DATA = Path("/var/lib/densach-agent")


def _data(function: Any) -> Any:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DATA,
        show_default=True,
        help="The agent's data folder.",
    )(function)


@click.group(name="agent", epilog="Example: densach agent enrol --hub http://hub.lan:8080 --token-file token.txt")
def command() -> None:
    """The program on a lab machine: tells the hub what the machine is and how it is used."""


@command.command(epilog="Example: densach agent run --data /var/lib/densach-agent")
@_data
def run(data: Path) -> None:
    """Stay resident: measure, keep, tell the hub. Ends on SIGTERM."""
    folder = str(Path(__file__).parent.parent)
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "densach_agent", str(data)], {**os.environ, "PYTHONPATH": path})  # noqa: S606


@command.command(epilog="Example: densach agent once --json")
@click.option("--json", "as_json", is_flag=True, help="The full inventory as JSON.")
@click.option("--root", type=click.Path(exists=True, path_type=Path), default=Path("/"), help="A recorded machine.")
def once(as_json: bool, root: Path) -> None:
    """Read everything once and print it. Touches no network: this is all that is ever collected."""
    from densach_agent.once import everything

    found = everything(root)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1))
        return
    for section in found["inventory"]:
        click.echo(f"{section['section']}: {section['status']} {section['reason']}".rstrip())
        items = section["items"]
        for item in items[:8]:
            facts = ", ".join(f"{name}={value}" for name, value in item["attrs"].items())
            click.echo(f"  {item['cls']} {item['key']}: {facts}")
        if len(items) > 8:
            click.echo("  " + say("… {count} in all (--json shows them)", count=len(items)))
    for session in found.get("sessions", ()):
        facts = ", ".join(f"{name}={'+'.join(value) if name == 'apps' else value}" for name, value in session.items())
        click.echo(f"session {facts}")
    if found.get("sessions"):
        click.echo("  " + say("(user names leave this machine only as digests, unless the school switches names on)"))


@command.command(epilog="Example: densach agent enrol --hub http://hub.lan:8080 --token-file token.txt")
@click.option("--hub", required=True, help="Address of the hub, as a browser would use it.")
@click.option("--token-file", type=click.File("r"), help="A room's token; “-” reads standard input.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CA of an https hub.")
@click.option("--no-wait", is_flag=True, help="Ask once; the resident agent goes on asking.")
@_data
def enrol(hub: str, token_file: Any, ca: Path | None, no_wait: bool, data: Path) -> None:
    """Join a school: with a room's token at once, without one as soon as a technician admits this machine."""
    from densach_agent.clock import SystemClock
    from densach_agent.enrol import EnrolProblem, attempt
    from densach_agent.facts import current
    from densach_agent.machine import this_machine
    from densach_agent.owner import become_owner
    from densach_agent.seal import unseal
    from densach_agent.settings import BadSettings, load, remember_hub

    token = token_file.read().strip() if token_file is not None else None
    try:
        data.mkdir(parents=True, exist_ok=True)
        become_owner(data)
        unseal(data)
        machine = this_machine(current(SystemClock().boot))
        settings = load(data)
        while True:
            made = attempt(data, hub, token, machine, simulated=settings.simulated, ca=ca)
            remember_hub(data, hub)
            if made.state == "admitted":
                click.echo(say("Admitted as {device}. Next: densach agent run --data {data}", device=made.device, data=data))
                return
            if made.state == "refused":
                reason = made.reason or say("no reason given")
                raise click.ClickException(say("The hub refuses: {reason}", reason=reason))
            click.echo(say("Waiting to be admitted: a technician opens /lab on the hub and clicks “admit”."))
            if no_wait:
                return
            time.sleep(made.retry_s)
    except (EnrolProblem, BadSettings) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or data}: {error.strerror}") from None


@command.command(epilog="Example: densach agent status --json")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@_data
def status(as_json: bool, data: Path) -> None:
    """Say who this machine is to the hub, what is waiting to be told, and why.

    Exits 0 when all is well or will be by itself, 1 when the agent does not run, 3 when somebody has to do something.
    """
    from densach_agent.owner import become_owner
    from densach_agent.status import read

    become_owner(data)
    found = read(data)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for line in found["sentences"]:
            click.echo(line)
    sys.exit(found["exit_code"])


@command.command(epilog="Example: densach agent seal --machine-id")
@click.option("--machine-id", is_flag=True, help="Empty /etc/machine-id, random seed and network secret too (as root).")
@click.option("--ssh-host-keys", is_flag=True, help="Delete ssh's host keys too; each copy must make its own.")
@_data
def seal(machine_id: bool, ssh_host_keys: bool, data: Path) -> None:
    """Ready this disk for cloning: no copy shall believe that it is this machine. Stop the agent first.

    A room's token in DATA/join-token stays: each copy joins by it. Until the next start of this machine the agent does
    not run again here.
    """
    from densach_agent.clock import SystemClock
    from densach_agent.seal import SealProblem, seal_disk

    root = Path("/") if machine_id or ssh_host_keys else None
    try:
        done = seal_disk(data, root, boot=SystemClock().boot, ssh_keys=ssh_host_keys)
    except SealProblem as error:
        raise click.ClickException(str(error)) from None
    for line in done:
        click.echo(line)


@command.command(epilog="Example: densach agent record ./case-lab-3")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--root", type=click.Path(exists=True, path_type=Path), default=Path("/"), hidden=True)
def record(folder: Path, root: Path) -> None:
    """Capture what the collectors read of this machine as a test case, serial numbers scrubbed."""
    from densach_agent.record import record_case

    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(say("{folder} is not empty", folder=folder))
    count = record_case(folder, root)
    click.echo(say("{count} files in {folder}. Read them before giving them away.", count=count, folder=folder))
