"""Machines that many use (a lab in kiosk mode): whoever is signed in there and goes away is signed out.

The page counts down and signs out (`core/idle.js`); the hub does the same a little later for browsers whose script does not
run. What is kept here is only in memory: after a restart everybody's time begins anew.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable

from densach_core.errors import BadInput
from densach_core.text import t

GRACE_S = 90.0
"""How much later than the page the hub acts; a page that is in use tells the hub once a minute."""
MOST = 5_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Shared:
    """Which addresses are shared machines, and who was last active there. `idle_s`: seconds until the page signs out."""

    def __init__(self, machines: Iterable[str], idle_s: int) -> None:
        """`machines`: addresses and networks (`10.0.5.0/24`). Raises BadInput("settings.machines") naming what is neither."""
        self.networks = tuple(_network(one) for one in machines)
        self.idle_s = idle_s
        self._seen: OrderedDict[str, float] = OrderedDict()

    def has(self, address: str) -> bool:
        if not self.networks:
            return False
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)

    def still_there(self, cookie: str, now_s: float) -> bool:
        """Whether a session of a shared machine may go on; notes that it was used. `now_s`: seconds that never jump."""
        last = self._seen.pop(cookie, now_s)
        if now_s - last > self.idle_s + GRACE_S:
            return False
        self._seen[cookie] = now_s
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return True


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise BadInput(
            "settings.machines",
            t("{text} is neither an address nor a network.", text=text),
            t("Write it as 10.0.5.17 or 10.0.5.0/24."),
        ) from error
