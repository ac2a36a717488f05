"""What systemd is told of a service (Type=notify, WatchdogSec): that it is there, that it still turns, that it goes."""

import asyncio
import contextlib
import os
import socket


class ServiceManager:
    """Where nobody listens (no systemd, or another kind of unit) nothing is said.

    The variables are taken out of the environment: children such as a broker must not speak for us.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        waits_us = os.environ.pop("WATCHDOG_USEC", "")
        meant = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(waits_us) / 1e6 if waits_us.isdecimal() and meant else 0.0
        """After so many seconds of silence the manager ends this process; 0: it does not watch."""

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    async def turn(self) -> None:
        """Gives a sign as long as the event loop turns; for a task of its own."""
        while self.watchdog_s > 0:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 3)

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        # A leading @ stands for Linux' abstract names.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.settimeout(1)
            line.sendto(what.encode(), address)
