"""Runs as they are kept: reports of those done elsewhere, what became of each machine, for pages and the lab's maps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from sqlite3 import Connection

from msgspec.structs import replace

from densach_core.accounts.audit import trace
from densach_core.accounts.model import Account
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet.sights import SetUp
from densach_hub.provisioning import store
from densach_hub.provisioning.inventory import Inventory
from densach_hub.provisioning.model import HostResult, Last, Report, Run, RunLine, RunState
from densach_hub.provisioning.rules import outcome
from densach_hub.provisioning.words import HOST_STATES

TOPIC = "provisioning"
Titles = Callable[[str], dict[str, str]]
"""Locale → file of a play → what it is called."""
Looking = Callable[[str], bool]
"""Whether a play (its file) changes nothing, so that it sets no machine up."""


class History:
    """`inventory` is asked whom a report means; `titles` what plays are called; `only_looks` which of them change nothing."""

    def __init__(
        self, school: Database, clock: Clock, bus: Bus, inventory: Callable[[], Awaitable[Inventory]], titles: Titles,
        only_looks: Looking,
    ) -> None:  # fmt: skip
        self._db = school
        self._clock = clock
        self._bus = bus
        self._inventory = inventory
        self._titles = titles
        self._only_looks = only_looks

    async def report(self, report: Report, *, by: Account | str) -> Run:
        """A run that somebody did elsewhere. The same id again is the same run; the end stays the end."""
        names = await self._names()
        state = RunState.RUNNING
        hosts = tuple(replace(host, machine=_machine(host, names)) for host in report.hosts)
        if report.ended_at is not None:
            state = RunState.INTERRUPTED if report.interrupted else outcome(hosts, None)
        run = Run(
            id=report.id, play=report.playbook, version=report.version, check=report.check, here=False, hosts=hosts, state=state,
            by=report.by or (by.name if isinstance(by, Account) else by), started_at=report.started_at, ended_at=report.ended_at,
            reason="provisioning.interrupted" if report.interrupted else "",
        )  # fmt: skip
        mark = trace(by, self._clock)
        looked = await asyncio.to_thread(self._only_looks, run.play)

        def work(c: Connection) -> None:
            old = store.run(c, run.id)
            if old is not None and old.here:
                raise Conflict("provisioning.own-run", t("This run is the hub's own."), None)
            if old is not None and old.state.over:
                return
            store.put(c, run)
            if run.state.over:
                store.finish(c, run, looked=looked)
            if old is None:
                mark.note(c, "provisioning.run-reported", on=run.play, detail={"run": run.id, "by": run.by})

        await self._db.write(work)
        self._bus.say(TOPIC)
        return await self.one(run.id)

    async def one(self, run_id: str) -> Run:
        """Raises NotFound("provisioning.no-run")."""
        found = await self._db.read(lambda c: store.run(c, run_id))
        if found is None:
            raise no_run()
        return found

    async def runs(self, *, limit: int = 100) -> list[RunLine]:
        """Newest first."""
        return await self._db.read(lambda c: store.runs(c, limit))

    async def of_machine(self, machine: str, *, limit: int = 20) -> list[tuple[Run, HostResult]]:
        """Newest first: each run with what became of this machine in it."""
        return await self._db.read(lambda c: store.of_machine(c, machine, limit))

    async def lasts(self) -> dict[str, Last]:
        """Machine → the last real run that touched it."""
        return {last.machine: last for last in await self._db.read(store.lasts)}

    async def set_up(self, locale: str) -> dict[str, SetUp]:
        """Machine → the last real run that touched it, for the lab's maps."""
        titles = self._titles(locale)
        return {
            last.machine: SetUp(
                run=last.run, title=titles.get(last.play, last.play), version=last.version, at=last.at, well=not last.state.bad,
                said=HOST_STATES[last.state], task=last.task, message=last.message,
            )
            for last in await self._db.read(store.lasts)
        }  # fmt: skip

    async def set_up_of(self, machine: str, locale: str) -> list[SetUp]:
        """Newest first, trials too, for a machine's page."""
        titles = self._titles(locale)
        return [
            SetUp(
                run=run.id, title=titles.get(run.play, run.play), version=run.version, at=run.ended_at or run.started_at,
                well=not host.state.bad, said=HOST_STATES[host.state], trial=run.check, task=host.task, message=host.message,
            )
            for run, host in await self.of_machine(machine)
        ]  # fmt: skip

    async def _names(self) -> dict[str, str]:
        """What a report may call a machine → its id; names that two machines share lead to none."""
        names: dict[str, str] = {}
        twice: set[str] = set()
        ids = {}
        for host in (await self._inventory()).hosts:
            if host.groups == ("state_retired",):
                continue
            ids[host.machine] = host.machine
            words = (host.name, host.variables.get("densach_hostname"), host.variables.get("ansible_host"))
            for word in {word.lower() for word in words if isinstance(word, str)}:
                if names.setdefault(word, host.machine) != host.machine:
                    twice.add(word)
        return {word: machine for word, machine in names.items() if word not in twice} | ids


def _machine(host: HostResult, names: dict[str, str]) -> str | None:
    told: Iterable[str] = (host.machine or "", host.host.lower(), host.host.partition(".")[0].lower(), host.address)
    return next((names[word] for word in told if word in names), None)


def no_run() -> NotFound:
    return NotFound("provisioning.no-run", t("There is no such run."), t("Choose one from the list of runs."))
