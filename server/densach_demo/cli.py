"""`densach demo`: the whole system on this machine."""

import fcntl
import sys
from pathlib import Path

import click

from densach_demo.demo import Demo, DemoError
from densach_demo.notes import LogIn, Notes, Ports, ports_from, read_notes
from densach_demo.readiness import free_ports, taken
from densach_demo.simulator.faults import Fault

_WIDTH = 76


@click.command(epilog="Example: densach demo --machines 40 --fault twins --fault clock")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-data"), show_default=True, metavar="DIR",
    help="Where the demonstration keeps its data.",
)  # fmt: skip
@click.option("--http", metavar="HOST:PORT", help="Library and lab; office and packages take the next ports.")
@click.option("--machines", type=click.IntRange(1, 500), default=30, show_default=True, help="Simulated machines (first start).")
@click.option(
    "--fault", "faults", multiple=True, type=click.Choice([*(fault.value for fault in Fault), "none"]),
    help="What is wrong in the simulated lab; may be given more than once.",
)  # fmt: skip
def demo(data: Path, http: str | None, machines: int, faults: tuple[str, ...]) -> int:
    """Run hub, office, this machine's agent and simulated machines on this machine; Ctrl-C ends all of it."""
    folder = data.resolve()
    if not (folder / "lock").exists():
        _ports(folder, http)  # what is refused must not have made a folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise click.ClickException(f"A demonstration already runs on {data}. Stop it, or give another --data.") from None
        ports = _ports(folder, http)
        chosen = None if not faults else tuple(Fault(name) for name in faults if name != "none")
        try:
            Demo(folder, _say, _show).run(ports, machines, chosen)
        except DemoError as problem:
            raise click.ClickException(str(problem)) from problem
    _say("Đã dừng", "stopped; the data stays in " + str(data))
    return 0


def _ports(folder: Path, http: str | None) -> Ports:
    known = read_notes(folder)
    made_for = known.ports if known is not None and known.made else None
    if http is None:
        ports = made_for or free_ports("127.0.0.1")
        if ports is None:
            raise click.ClickException("No free ports were found. Choose some: densach demo --http 127.0.0.1:PORT")
    else:
        host, _, port = http.rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65_530:
            raise click.BadParameter("write it like 127.0.0.1:8080", param_hint="--http")
        ports = ports_from(host or "127.0.0.1", int(port))
        if made_for is not None and made_for != ports:
            raise click.ClickException(
                f"This demonstration was made for {made_for.host}:{made_for.http}. Leave --http out, or give another --data."
            )
    if busy := taken(ports):
        raise click.ClickException(
            f"Ports in use: {', '.join(map(str, busy))}. Stop what uses them, or choose others with --http and another --data."
        )
    return ports


def _say(vietnamese: str, english: str) -> None:
    click.echo(f"· {vietnamese}  ({english})", err=True)


def _show(notes: Notes) -> None:
    hub, office = notes.ports.hub_url, notes.ports.office_url
    pupil, staff = notes.log_ins[0], notes.log_ins[1:]
    teachers = [entry for entry in staff if entry.page == "/classes"]
    by_page = {entry.login: entry for entry in staff}
    lines = ["Đèn Sách đang chạy  (is running)", ""]
    lines += _address("Thư viện  (library)", f"{hub}/", [pupil, *teachers, by_page["thuvien"]])
    lines += _address("Phòng máy  (lab)", f"{hub}/lab", [by_page["kythuat"], by_page["hieutruong"], by_page["quantri"]])
    lines += _address("Cơ quan quản lý  (office)", f"{office}/", [notes.office_log_in] if notes.office_log_in else [])
    lines += [
        f"{notes.machines} máy ghi “mô phỏng” không có thật; máy này là máy thật.",
        "Dừng tất cả: Ctrl-C  (stops all of it)",
    ]
    click.echo(framed(lines))
    sys.stdout.flush()


def _address(what: str, url: str, people: list[LogIn]) -> list[str]:
    return [f"{what:<26} {url}", *(f"    {entry.who:<38} {entry.login:<13} {entry.secret}" for entry in people), ""]


def framed(lines: list[str]) -> str:
    width = max(_WIDTH, *(len(line) for line in lines))
    body = [f"│ {line:<{width}} │" for line in lines]
    return "\n".join([f"┌{'─' * (width + 2)}┐", *body, f"└{'─' * (width + 2)}┘"])
