"""How often one asker may search, so that a script or a stuck key cannot take the library from everybody else."""

import math

from aiohttp import web

from densach_core.allowance import Allowance, neighbourhood
from densach_core.clock import Clock
from densach_core.errors import TooMany
from densach_core.text import t
from densach_core.web.identity import address_of, who_is

BURST_S = 3
CLASS_BEHIND_ONE_ADDRESS = 4


class Asking:
    """`per_s` searches a second for an account; a stranger's address gets four times as much: a class may stand behind it.

    Three seconds' worth may come at once.
    """

    def __init__(self, clock: Clock, per_s: float) -> None:
        self._accounts = Allowance(clock, per_s=per_s, burst=math.ceil(per_s * BURST_S))
        of_address = per_s * CLASS_BEHIND_ONE_ADDRESS
        self._addresses = Allowance(clock, per_s=of_address, burst=math.ceil(of_address * BURST_S))

    def once(self, account: str | None, address: str) -> None:
        """Counts a search. Raises TooMany("search.too-many")."""
        wait = self._accounts.take(account) if account is not None else self._addresses.take(neighbourhood(address))
        if wait > 0:
            raise TooMany(
                "search.too-many",
                t("That were too many searches in a short time."),
                t("Wait a few seconds, then search again."),
                retry_after_s=math.ceil(wait),
            )


ASKING: "web.AppKey[Asking]" = web.AppKey("library_asking")


def count_search(request: web.Request) -> None:
    """Before each search, page or API. Without a limit in the settings nothing is counted."""
    if (asking := request.app.get(ASKING)) is not None:
        account = who_is(request)
        asking.once(account.id if account else None, address_of(request))
