"""Whether an address answers, and which ports are free."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from densach_demo.notes import Ports, ports_from

FIRST_PORTS = (8080, 8180, 8280, 9080, 18080)


class NotReadyError(Exception):
    """It did not come up in time, or its process ended."""


def wait_ready(url: str, *, seconds: float, gone: Callable[[], bool]) -> None:
    """Until `url`/healthz says ready. Raises NotReadyError."""
    until = time.monotonic() + seconds
    answer = "no answer"
    while time.monotonic() < until:
        if gone():
            raise NotReadyError("its process ended")
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2) as found:  # noqa: S310 - our own address
                if json.load(found).get("ready"):
                    return
        except urllib.error.HTTPError as error:
            with error:
                answer = error.read(500).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            answer = str(error)
        time.sleep(0.05)
    raise NotReadyError(f"not ready after {seconds:.0f} s: {answer}")


def is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def taken(ports: Ports) -> list[int]:
    return [port for port in ports.all() if not is_free(ports.host, port)]


def free_ports(host: str) -> Ports | None:
    """The first row of ports with nobody on it."""
    return next((row for first in FIRST_PORTS if not taken(row := ports_from(host, first))), None)
