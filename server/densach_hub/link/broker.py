"""The broker as the hub sees it: a Mosquitto child, an in-process stand-in, or one that somebody else runs."""

import asyncio
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import structlog

from densach_core.errors import Unavailable
from densach_core.text import Text, t
from densach_hub.link.accounts import EquipmentAccounts
from densach_hub.link.configuration import HUB_USER, broker_files, password_hash, write_files
from densach_hub.link.model import BrokerAddress, BrokerKind, BrokerPlan, BrokerStatus, Listener, TlsFiles

log = structlog.get_logger("broker")

# Runs before the broker in the child: dies with the hub, whatever happens to the hub (PR_SET_PDEATHSIG = 1).
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15, 0, 0, 0); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(0); os.execv(sys.argv[2], sys.argv[2:])"
)
START_SECONDS = 10.0
STOP_SECONDS = 10.0
LONGEST_PAUSE = 30.0
STABLE_SECONDS = 60.0


class Broker(Protocol):
    """What the hub needs of a broker, whoever runs it. An async context manager: entered, it is reachable."""

    @property
    def address(self) -> BrokerAddress: ...

    @property
    def device_port(self) -> int:
        """Where agents connect, on the name they know the hub by (or on the external broker's host)."""
        ...

    @property
    def device_tls(self) -> bool: ...

    def status(self) -> BrokerStatus: ...

    async def revoke(self, devices: frozenset[str]) -> None:
        """From now on these devices (all that are revoked, not only new ones) may neither write nor read."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def find_mosquitto() -> str | None:
    """The path of the broker's program; Debian keeps it in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class MosquittoBroker:
    """A Mosquitto child: configured from scratch at each start, restarted with back-off, stopped with the hub.

    Args:
        folder: DATA/mosquitto; the broker's configuration, passwords and stored sessions.
        school: the school's id in topics.
        devices: TLS listener of the agents (needs `tls`).
        equipment: plain listener of simple equipment, or None.
    """

    def __init__(
        self,
        program: str,
        folder: Path,
        *,
        school: str,
        devices: Listener | None = None,
        tls: TlsFiles | None = None,
        equipment: Listener | None = None,
        revoked: frozenset[str] = frozenset(),
    ) -> None:
        self._program = program
        self._folder = folder.absolute()
        self._school = school
        self._devices = devices if tls is not None else None
        self._tls = tls
        self._equipment = equipment
        self._revoked = revoked
        self._hub_port = _free_port()
        self._hub_password = secrets.token_urlsafe(24)
        self.accounts = EquipmentAccounts(self._folder)
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._starts = 0
        self._open = False  # it listens, as far as this process has seen
        self._trouble: str | None = None

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self._hub_port, HUB_USER, self._hub_password)

    @property
    def device_port(self) -> int:
        return self._devices.port if self._devices is not None else self._hub_port

    @property
    def device_tls(self) -> bool:
        return self._devices is not None

    @property
    def equipment(self) -> Listener | None:
        """The listener without TLS, where there is one."""
        return self._equipment

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def status(self) -> BrokerStatus:
        running = self._open and self._process is not None and self._process.returncode is None
        places = [p for p in (self._devices, self._equipment) if p is not None]
        note = None
        if self._trouble is not None and not running:
            note = t("The broker stopped and is being started again: {reason}", reason=self._trouble)
        elif self._starts > 1:
            note = t("The broker had to be started again {n} times.", n=self._starts - 1)
        where = ", ".join(f"{p.bind or '*'}:{p.port}" for p in places) or f"127.0.0.1:{self._hub_port}"
        return BrokerStatus(BrokerKind.MOSQUITTO, running, where, self._starts, note)

    async def __aenter__(self) -> Self:
        await self._start()
        self._watch = asyncio.create_task(self._keep_running(), name="broker watch")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._stop()

    async def revoke(self, devices: frozenset[str]) -> None:
        self._revoked = devices
        await self.reload()

    async def reload(self) -> None:
        """Makes changed accounts and revocations count, without a connection being lost."""
        await asyncio.to_thread(self._write)
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    def _write(self) -> Path:
        plan = BrokerPlan(
            folder=self._folder,
            school=self._school,
            hub_port=self._hub_port,
            hub_secret=password_hash(self._hub_password),
            devices=self._devices,
            tls=self._tls,
            equipment=self._equipment,
            accounts=self.accounts.all() if self._equipment is not None else (),
            revoked=self._revoked,
            run_as=pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None,
        )
        write_files(self._folder, broker_files(plan))
        return self._folder / "mosquitto.conf"

    async def _start(self) -> None:
        """Raises Unavailable("link.port-taken" or "link.broker-failed") when the broker does not come up."""
        for listener in (self._devices, self._equipment):
            if listener is not None:
                await _wait_until_free(listener)
        self._open = False
        conf = await asyncio.to_thread(self._write)
        command = [self._program, "-c", str(conf)]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the hub, which then stops the broker in its turn
        )
        self._starts += 1
        last: list[str] = []
        self._said = asyncio.create_task(_log_lines(self._process, last), name="broker log")
        if not await _answers(self._process, self._hub_port):
            await self._stop()
            raise Unavailable(
                "link.broker-failed",
                t("The message broker did not start: {reason}", reason=" ".join(last[-2:]) or "?"),
                t("Look at the log, and at who uses its ports."),
            )
        self._open, self._trouble = True, None
        log.info("broker.started", pid=self._process.pid, where=self.status().where)

    async def _keep_running(self) -> None:
        pause, clock = 1.0, asyncio.get_running_loop().time
        while (process := self._process) is not None:
            began = clock()
            code = await process.wait()
            await asyncio.gather(self._said)
            if clock() - began > STABLE_SECONDS:
                pause = 1.0
            self._trouble = f"exit {code}"
            log.warning("broker.ended", code=code, again_in_s=round(pause, 1))
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads load
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                await self._start()
            except (Unavailable, OSError) as error:
                self._trouble = str(error)
                log.warning("broker.failed", reason=str(error))

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.gather(self._said)


class ExternalBroker:
    """A broker that somebody else runs; its access lists are theirs too."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    @property
    def address(self) -> BrokerAddress:
        return self._address

    @property
    def device_port(self) -> int:
        return self._address.port

    @property
    def device_tls(self) -> bool:
        return self._address.tls

    def status(self) -> BrokerStatus:
        note: Text | None = None
        if not self._address.tls and self._address.host not in ("127.0.0.1", "localhost", "::1"):
            note = t("The line to the broker is not encrypted: use mqtts://.")
        return BrokerStatus(BrokerKind.EXTERNAL, True, f"{self._address.host}:{self._address.port}", note=note)

    async def revoke(self, devices: frozenset[str]) -> None:
        log.warning("broker.revoke-yourself", devices=len(devices))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None


async def _log_lines(process: asyncio.subprocess.Process, last: list[str]) -> None:
    if process.stderr is None:
        return
    async for raw in process.stderr:
        line = raw.decode("utf-8", "replace").strip()
        line = line.split(": ", 1)[-1] if line[:10].isdigit() else line
        if not line or "does not contain" in line:  # `read …/hub` is the same for everyone on purpose
            continue
        last.append(line)
        del last[:-20]
        if line.startswith(("Error", "Warning")) or "dropped" in line:
            log.warning("mosquitto", line=line)
        else:
            log.debug("mosquitto", line=line)


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    """Whether the child listens within START_SECONDS; False at once when it has ended."""
    until = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < until and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return process.returncode is None
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _wait_until_free(listener: Listener, seconds: float = 3.0) -> None:
    """A broker that is just ending holds its port for a moment. Raises Unavailable("link.port-taken")."""
    until = asyncio.get_running_loop().time() + seconds
    family = socket.AF_INET6 if ":" in listener.bind else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.bind, listener.port))
                return
            except OSError as error:
                if asyncio.get_running_loop().time() > until:
                    raise Unavailable(
                        "link.port-taken",
                        t("Port {port} is in use: {reason}", port=str(listener.port), reason=f"{error.strerror or '?'}."),
                        t("Stop the other program (a Mosquitto of the system?) or choose another port with --mqtt."),
                        port=listener.port,
                    ) from error
        await asyncio.sleep(0.1)
