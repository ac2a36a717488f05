"""What can be done: see the inventory, take reports in, run plays from here, know what became of each machine."""

import asyncio
import os
import secrets
import shlex
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web
from msgspec.structs import replace

from densach_core.accounts.audit import trace
from densach_core.accounts.model import Account
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, NotFound, Unavailable
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet.model import Kind, Room
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.sights import MachineRow
from densach_hub.provisioning import choosing, plays, runner, store
from densach_hub.provisioning.choosing import Candidate
from densach_hub.provisioning.history import TOPIC, History, no_run
from densach_hub.provisioning.inventory import SECTIONS, Host, Inventory, inventory
from densach_hub.provisioning.keys import Keys
from densach_hub.provisioning.model import (
    Danger,
    HostResult,
    HostState,
    KnownHost,
    Order,
    Play,
    ProvisionSettings,
    Run,
    RunState,
    Value,
)
from densach_hub.provisioning.rules import checked_values, outcome, settled

log = structlog.get_logger("provisioning")
MOST_RUNS = 4
FLUSH_S = 0.7
USUAL_INVENTORY = "/etc/densach/inventory"
BUNDLE = Path("/srv/densach/bundle")
"""Where `hub.yml` puts the opened bundle: machines get their packages from it, as they did from the laptop that made the hub."""


class Readiness(msgspec.Struct, frozen=True):
    """What is there to run plays with; None: not found."""

    playbooks: Path | None
    program: Path | None
    ssh: bool
    how: str
    """The line that installs Ansible."""

    @property
    def ready(self) -> bool:
        return self.playbooks is not None and self.program is not None and self.ssh


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may be carried out."""

    play: Play
    values: dict[str, Value]
    hosts: tuple[Host, ...]
    inventory: Inventory
    left_out: tuple[Candidate, ...] = ()
    """Machines of the room that cannot be reached this way."""


class Provisioning:
    """Runs from here; `history` has what became of them. `hub_url`: where machines reach this hub. `also`: host variables
    for every machine of a run (how to connect); empty in a school.

    In a running hub `watch()` lives as long as the hub; a command calls `start` and `wait` and then `close`.
    """

    def __init__(
        self,
        *,
        school: Database,
        fleet: Fleet,
        clock: Clock,
        bus: Bus,
        data: Path,
        settings: Callable[[], ProvisionSettings],
        hub_url: Callable[[], str],
    ) -> None:
        self.fleet = fleet
        self.keys = Keys(data / "keys" / "ssh")
        self.history = History(school, clock, bus, self.inventory, self._titles, self.only_looks)
        self.also: dict[str, Any] = {}
        self._db = school
        self._clock = clock
        self._bus = bus
        self._folder = data / "provision"
        self._settings = settings
        self._hub_url = hub_url
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stops: dict[str, asyncio.Event] = {}

    # ---- what is there

    async def inventory(self) -> Inventory:
        """Every machine, with what its last inventory told."""
        rows = await self.fleet.alerts.machines()
        every = await self.fleet.register.machines(kinds=(Kind.AGENT, Kind.DECLARED), retired=True)
        sections = await self.fleet.telemetry.sections_of_all(SECTIONS)
        rooms = await self.fleet.rooms.all()
        retired = [machine for machine in every if not machine.alive]
        return await asyncio.to_thread(inventory, rows, retired, rooms, sections)

    def readiness(self) -> Readiness:
        settings = self._settings()
        return Readiness(plays.folder(settings), plays.program(settings), shutil.which("ssh") is not None, plays.how_to_get())

    def plays(self) -> tuple[Play, ...]:
        """Those of `plays.yml` that are there; none where there are no playbooks. Raises Unavailable."""
        place = plays.folder(self._settings())
        return plays.read(place) if place is not None else ()

    def play(self, name: str) -> Play:
        """Raises NotFound."""
        return plays.one(self.plays(), name)

    @property
    def user(self) -> str:
        """Whom the hub logs in as, unless a run says otherwise."""
        return self._settings().user

    def public_key(self) -> str:
        return self.keys.public("densach-hub")

    def known_hosts(self) -> list[KnownHost]:
        return self.keys.known_hosts()

    async def forget(self, machine: str, *, by: Account | str) -> None:
        """The machine was installed anew: its next host key is believed. Raises NotFound."""
        if not self.keys.forget(machine):
            raise NotFound("provisioning.no-host-key", t("The hub knows no host key of this machine."), None)
        mark = trace(by, self._clock)
        await self._db.write(lambda c: mark.note(c, "provisioning.host-key-forgotten", on=machine))
        self._bus.say(TOPIC)

    async def candidates(self, play: Play, room: str | None = None) -> list[Candidate]:
        """Machines (of a room, or all) with whether the play can be run on them, in the order of rooms and names."""
        found = {host.machine: host for host in (await self.inventory()).hosts}
        return choosing.candidates(play, await self._rows(room), found)

    async def _rows(self, room: str | None) -> list[MachineRow]:
        rows = await self.fleet.alerts.machines()
        return [row for row in rows if room is None or (row.machine.place is not None and row.machine.place.room == room)]

    def _titles(self, locale: str) -> dict[str, str]:
        try:
            return {play.file: play.title.say(locale) for play in self.plays()}
        except Unavailable:
            return {}

    def only_looks(self, file: str) -> bool:
        """Whether a play of `plays.yml` changes nothing: who was only looked at is not set up."""
        try:
            return any(play.file == file and play.danger is Danger.NONE for play in self.plays())
        except Unavailable:
            return False

    # ---- runs from here

    async def prepare(self, order: Order) -> Ready:
        """Whether an order can be carried out, and on which machines. Raises BadInput, NotFound, Unavailable."""
        ready = self.readiness()
        if ready.playbooks is None:
            raise _absent("provisioning.no-playbooks", t("The playbooks are not here."))
        play = self.play(order.play)
        values = checked_values(play, order.values)
        choosing.must_be_user(order.user)
        choosing.must_be_password(order.password)
        if order.check and not play.check:
            raise BadInput("provisioning.no-check", t("A trial of this play says nothing."), None, field="check")
        room: Room | None = None
        if order.room:
            room = await self.fleet.rooms.get(order.room)
        found = await self.inventory()
        hosts = {host.machine: host for host in found.hosts}
        every = choosing.candidates(play, await self._rows(None), hosts)
        chosen, left_out = choosing.choose(every, order, room)
        return Ready(
            play=play, values=values, hosts=tuple(hosts[one.machine] for one in chosen), inventory=found, left_out=tuple(left_out)
        )

    async def start(self, order: Order, *, by: Account | str) -> Run:
        """Begins a run; returns at once. Raises what `prepare` raises, and Conflict where a machine is being worked on."""
        ready = await self.prepare(order)
        here = self.readiness()
        if here.program is None or here.playbooks is None:
            raise _absent("provisioning.no-ansible", t("Ansible is not installed on this hub."))
        if not here.ssh and not self.also:
            raise _absent("provisioning.no-ssh", t("The command ssh is not installed on this hub."))
        if ready.play.danger is Danger.HIGH and not order.check and not order.confirmed:
            raise BadInput(
                "provisioning.confirm",
                t("This play can cost people their work or files."),
                t("Confirm that it is meant."),
                field="confirmed",
            )
        hosts = [HostResult(host=h.name, machine=h.machine, address=h.address or "") for h in ready.hosts]
        run = Run(
            id=secrets.token_hex(8), play=ready.play.file, title=ready.play.title.vi, check=order.check,
            by=by.name if isinstance(by, Account) else by, here=True, started_at=self._clock.now_ms(), values=ready.values,
            user=order.user or self.user, hosts=tuple(sorted(hosts, key=lambda host: host.host)),
        )  # fmt: skip
        self.public_key()
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            choosing.must_be_free(run, [one for one, who in store.open_runs(c) if runner.lives(who)], MOST_RUNS)
            store.put(c, run, runner.myself())
            machines = [host.machine for host in run.hosts]
            mark.note(
                c, "provisioning.run-started", on=run.play, detail={"run": run.id, "check": run.check, "machines": machines}
            )

        await self._db.write(work)
        job = runner.Job(
            run=run, folder=self._run_folder(run.id), program=here.program, playbooks=here.playbooks, file=ready.play.file,
            inventory=self._inventory_file(ready, run), values=ready.values | ready.play.fixed, forks=self._settings().forks,
            password=order.password, beside=self._beside("group_vars", "host_vars"), also=self._beside("hosts.yml"),
            usual={"bundle_dir": str(BUNDLE)} if os.access(BUNDLE / "manifest.json", os.R_OK) else {},
        )  # fmt: skip
        self._folder.mkdir(exist_ok=True, mode=0o700)
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._stops[run.id] = asyncio.Event()
        self._tasks[run.id] = asyncio.create_task(self._drive(job), name=f"run {run.id}")
        self._bus.say(TOPIC)
        return run

    async def wait(self, run_id: str) -> Run:
        """Until a run that was started here is over."""
        if (task := self._tasks.get(run_id)) is not None:
            await asyncio.wait({task})
        return await self.history.one(run_id)

    async def stop(self, run_id: str, *, by: Account | str) -> None:
        """Whoever drives it stops it within a second. A run that is over stays as it is. Raises NotFound."""
        await self.history.one(run_id)
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            store.ask_to_stop(c, run_id)
            mark.note(c, "provisioning.run-stopped", on=run_id)

        await self._db.write(work)
        if (stop := self._stops.get(run_id)) is not None:
            stop.set()

    def log_of(self, run_id: str) -> str:
        """What ansible-playbook printed; empty where nothing is kept."""
        try:
            return (self._run_folder(run_id) / "log.txt").read_text("utf-8", "replace")
        except (OSError, NotFound):
            return ""

    async def watch(self) -> None:
        """For ever: at first what a hub that went away left behind; when it is cancelled, what runs is killed and marked."""
        await self.settle()
        try:
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def settle(self) -> None:
        """Runs whose driver is no more are over: their processes are killed, they are marked as interrupted."""
        for run, who in await self._db.read(store.open_runs):
            if runner.lives(who):
                continue
            killed = await asyncio.to_thread(runner.kill_family, run.id)
            await asyncio.to_thread(runner.clear, self._run_folder(run.id))
            log.warning("provisioning.interrupted", run=run.id, play=run.play, killed=killed)
            await self._finish(run, RunState.INTERRUPTED, "provisioning.interrupted")

    async def close(self) -> None:
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drive(self, job: runner.Job) -> None:
        run_id, kept = job.run.id, job.run
        last_at = 0.0

        async def told(run: Run) -> bool:
            nonlocal kept, last_at
            now = asyncio.get_running_loop().time()
            if now - last_at < FLUSH_S:
                return False
            last_at = now
            if run != kept:
                changed = [host for host in run.hosts if host not in kept.hosts]
                await self._db.write(lambda c: store.put(c, replace(run, hosts=tuple(changed))))
                kept = run
                self._bus.say(TOPIC)
            return await self._db.read(lambda c: store.is_to_stop(c, run_id))

        try:
            ended = await runner.drive(job, told, self._stops[run_id])
        except asyncio.CancelledError:
            with suppress(Unavailable):
                await asyncio.shield(self._finish(kept, RunState.INTERRUPTED, "provisioning.interrupted"))
            raise
        except (OSError, Unavailable) as error:
            log.exception("provisioning.failed", run=run_id, reason=str(error))
            with suppress(Unavailable):
                await self._finish(kept, RunState.FAILED, "provisioning.not-started")
        else:
            await self._over(ended)
        finally:
            self._stops.pop(run_id, None)
            self._tasks.pop(run_id, None)

    async def _over(self, ended: runner.Ended) -> None:
        if ended.code is None:
            await self._finish(ended.run, RunState.STOPPED, "provisioning.stopped")
            return
        state = outcome(ended.run.hosts, ended.code)
        reason = ""
        if not ended.begun:
            reason = "provisioning.not-begun"
        elif not ended.whole:
            reason = "provisioning.ended-early"
        elif state is RunState.FAILED and not ended.run.bad:
            reason = "provisioning.nothing-done"
        await self._finish(ended.run, state, reason)

    async def _finish(self, run: Run, state: RunState, reason: str) -> None:
        over = state in (RunState.STOPPED, RunState.INTERRUPTED)
        hosts = tuple(_cut_short(host) if over else settled(host) for host in run.hosts)
        done = replace(run, state=state, reason=reason, ended_at=self._clock.now_ms(), task="", hosts=hosts)

        looked = await asyncio.to_thread(self.only_looks, run.play)

        def work(c: Connection) -> None:
            store.put(c, done)
            store.finish(c, done, looked=looked)

        await self._db.write(work)
        self._bus.say(TOPIC)
        await asyncio.to_thread(self._clear_old, {line.id for line in await self.history.runs(limit=store.KEPT)})

    def _clear_old(self, kept: set[str]) -> None:
        for place in (self._folder / "runs").glob("*"):
            if place.name not in kept:
                shutil.rmtree(place, ignore_errors=True)

    def _run_folder(self, run_id: str) -> Path:
        if not run_id.isalnum():
            raise no_run()
        return self._folder / "runs" / run_id

    def _inventory_file(self, ready: Ready, run: Run) -> dict[str, Any]:
        """The chosen machines, how they are reached, and what every play wants to know of this hub."""
        found = ready.inventory.file([host.machine for host in ready.hosts], self._connections(run))
        url = self._hub_url()
        found["all"]["vars"] = {
            "densach_hub_url": url,
            "densach_hub_name": urlsplit(url).hostname or "densach.lan",
            "densach_hub_ca_file": str(self.fleet.authority.ca_file),
        }
        return found

    def _beside(self, *names: str) -> tuple[Path, ...]:
        """Of these, what the school has set in its own inventory, as far as the hub may read it."""
        place = Path(self._settings().inventory or USUAL_INVENTORY)
        return tuple(place / name for name in names if os.access(place / name, os.R_OK))

    def _connections(self, run: Run) -> dict[str, dict[str, Any]]:
        """How each machine is reached: the hub's key, and its host key under its id, so that it may change its address."""
        if self.also:
            return {host.machine: self.also for host in run.hosts if host.machine}
        options = [
            "-F none", shlex.quote(f'-oUserKnownHostsFile="{self.keys.known}"'), "-oGlobalKnownHostsFile=none",
            "-oStrictHostKeyChecking=accept-new", "-oHashKnownHosts=no", "-oUpdateHostKeys=no", "-oIdentitiesOnly=yes",
        ]  # fmt: skip
        return {
            host.machine: {
                "ansible_user": run.user, "ansible_ssh_private_key_file": str(self.keys.private),
                "ansible_ssh_common_args": " ".join([*options, f"-oHostKeyAlias={host.machine}"]),
                **({"densach_hub_seen_at": here} if (here := own_address(host.address)) else {}),
            }
            for host in run.hosts
            if host.machine
        }  # fmt: skip


def own_address(towards: str) -> str | None:
    """This computer's address as a machine at that one sees it; nothing is sent. None where there is no way there."""
    with suppress(OSError), socket.socket(socket.AF_INET6 if ":" in towards else socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect((towards, 22))
        return str(line.getsockname()[0])
    return None


def _cut_short(host: HostResult) -> HostResult:
    """A machine of a run that was cut short: what had been done stands in its counts, it is not called well."""
    return host if host.state is not HostState.RUNNING else replace(host, state=HostState.CUT)


def _absent(code: str, what: Any) -> Unavailable:
    return Unavailable(code, what, t("Look at the page of provisioning: it says what is missing and how to get it."))


PROVISIONING = web.AppKey("provisioning", Provisioning)
