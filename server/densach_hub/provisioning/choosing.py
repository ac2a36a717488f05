"""Which machines a run may touch. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from densach_core.errors import BadInput, Conflict
from densach_core.text import Text, t
from densach_hub.fleet.model import Kind, Room
from densach_hub.fleet.sights import MachineRow
from densach_hub.provisioning.inventory import PLAYED, Host
from densach_hub.provisioning.model import Order, Play, Run

USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


class Why(StrEnum):
    """Why a play cannot be run on a machine."""

    SIMULATED = "simulated"
    NO_AGENT = "no-agent"
    NO_ADDRESS = "no-address"
    OTHER_KIND = "other-kind"


WORDS: dict[Why, Text] = {
    Why.SIMULATED: t("simulated: there is nothing to log in to"),
    Why.NO_AGENT: t("written down by hand: the hub does not know how to reach it"),
    Why.NO_ADDRESS: t("has told no address yet"),
    Why.OTHER_KIND: t("this play is for other machines"),
}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A machine on the list to choose from; `why` not None: it cannot be chosen."""

    row: MachineRow
    name: str
    address: str | None = None
    why: Why | None = None

    @property
    def machine(self) -> str:
        return self.row.machine.id


def candidates(play: Play, rows: Iterable[MachineRow], hosts: Mapping[str, Host]) -> list[Candidate]:
    found = []
    for row in rows:
        host = hosts.get(row.machine.id)
        if host is not None:
            found.append(Candidate(row=row, name=host.name, address=host.address, why=_why_not(play, row, host)))
    return found


def _why_not(play: Play, row: MachineRow, host: Host) -> Why | None:
    if row.machine.simulated:
        return Why.SIMULATED
    if row.machine.kind is not Kind.AGENT:
        return Why.NO_AGENT
    wanted = set(PLAYED) if play.machines == "all" else {play.machines}
    if not wanted.intersection(host.groups):
        return Why.OTHER_KIND
    return None if host.address else Why.NO_ADDRESS


def choose(every: Sequence[Candidate], order: Order, room: Room | None) -> tuple[list[Candidate], list[Candidate]]:
    """Those to run on, and those of the room that are left out. A machine may be named by id or as Ansible calls it.

    Raises BadInput: nobody chosen, nobody left, or one that was named cannot be used.
    """
    if order.machines:
        by_name = {one.machine: one for one in every} | {one.name.lower(): one for one in every}
        chosen = []
        for name in dict.fromkeys(order.machines):
            one = by_name.get(name) or by_name.get(name.lower())
            if one is None:
                raise BadInput(
                    "provisioning.no-machine", t("There is no machine “{name}”.", name=name[:100]), None, field="machines"
                )
            if one.why is not None:
                raise _refused(one.why, one.row.machine.name)
            chosen.append(one)
        return chosen, []
    if room is None:
        raise BadInput(
            "provisioning.none-chosen", t("No machine is chosen."), t("Choose a room or tick machines."), field="machines"
        )
    there = [one for one in every if one.row.machine.place is not None and one.row.machine.place.room == room.id]
    chosen = [one for one in there if one.why is None]
    left = [one for one in there if one.why is not None]
    if not chosen:
        if left and all(one.why is Why.SIMULATED for one in left):
            raise _refused(Why.SIMULATED, room.name)
        raise BadInput(
            "provisioning.nobody",
            t("No machine of {room} can be reached by this play.", room=room.name),
            t("Bring machines in first, or choose another room."),
            field="room",
        )
    return chosen, left


def _refused(why: Why, name: str) -> BadInput:
    if why is Why.SIMULATED:
        return BadInput(
            "provisioning.simulated",
            t("{name} is simulated: no play is run on machines that are not there.", name=name),
            t("Bring a real machine in; then it can be chosen here."),
            field="machines",
        )
    return BadInput(
        f"provisioning.{why}", t("{name} cannot be chosen: {why}.", name=name, why=WORDS[why]), None, field="machines"
    )


def must_be_user(user: str) -> None:
    """Raises BadInput. The name ends up on ssh's command line."""
    if user and USER.fullmatch(user) is None:
        raise BadInput("provisioning.user", t("This is no name of a user."), t("Write it like quantri."), field="user")


def must_be_password(password: str) -> None:
    """Raises BadInput. It goes through a pipe as one line."""
    if len(password) > 512 or not password.isprintable():
        raise BadInput("provisioning.password", t("This cannot be a password."), None, field="password")


def must_be_free(run: Run, others: Sequence[Run], most: int) -> None:
    """Raises Conflict where a machine is being worked on, or too much goes on at once."""
    mine = {host.machine for host in run.hosts}
    for other in others:
        both = [host.host for host in other.hosts if host.machine in mine]
        if both:
            raise Conflict(
                "provisioning.busy",
                t("Another run works on {names} already.", names=", ".join(both[:5])),
                t("Wait until it is over, or stop it."),
                run=other.id,
            )
    if len(others) >= most:
        raise Conflict("provisioning.too-many", t("{n} runs are under way already.", n=len(others)), t("Wait until one is over."))
