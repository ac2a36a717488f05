"""How machines join: by a room's token, or by waiting until somebody admits them with one click."""

import hashlib
import secrets
from sqlite3 import Connection
from typing import Protocol

import msgspec

from densach_core.accounts.audit import trace
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, TooMany, Unavailable
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet import returning, store_register
from densach_hub.fleet import store_enrolment as store
from densach_hub.fleet.authority import Authority, key_digest
from densach_hub.fleet.identity import Identity
from densach_hub.fleet.model import Kind, Machine, Place, RoomToken, Waiting, WaitingState
from densach_hub.fleet.register import Register, new_id
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.rules import Likeness
from densach_hub.fleet.telemetry import Telemetry
from densach_hub.fleet.turnstile import Turnstile
from densach_wire.enrolment import Endpoint, EnrolAnswer, EnrolRequest, Token, ca_digest, parse_token
from densach_wire.errors import BadToken
from densach_wire.messages import Hello

HOUR_MS = 3_600_000
LONGEST_TOKEN_HOURS = 31 * 24
MOST_USES = 500
MOST_WAITING = 1_000
MOST_WAITING_OF_ONE = 200
"""Several rooms behind one address; whoever asks more often in ever new names shuts nobody else out."""
WAITING_FORGOTTEN_MS = 7 * 24 * HOUR_MS
"""A machine that waits asks four times a minute while it runs: one that has not asked for so long starts anew when it does."""
POLL_S = 15
NO_SUCH_TOKEN = "the token is not valid (any more): make a new one on the hub's page /join"  # noqa: S105


class Doorkeeper(Protocol):
    """Whoever runs the broker (link's `Broker` is one)."""

    async def revoke(self, devices: frozenset[str]) -> None:
        """From now on these devices (all that are shut out, not only new ones) may neither write nor read."""


class Usher(Protocol):
    """Whoever answers devices (intake's pipeline does)."""

    async def welcome(self, device: str) -> None:
        """This device, which knocked before, is in the register now: it may tell what it has kept."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What an admitted machine is told. `school` is the id used in topics."""

    school: str
    mqtt: tuple[Endpoint, ...] = ()
    name: str = ""


class Enrolment:
    """Tokens, the list of those who wait, certificates given and taken back."""

    def __init__(
        self,
        school: Database,
        clock: Clock,
        bus: Bus,
        register: Register,
        rooms: Rooms,
        authority: Authority,
        telemetry: Telemetry,
        identity: Identity,
        site: Site,
    ) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._register = register
        self._rooms = rooms
        self._authority = authority
        self._telemetry = telemetry
        self._identity = identity
        self.site = site
        self.doorkeeper: Doorkeeper | None = None
        """Set by whoever runs the broker."""
        self.usher: Usher | None = None
        """Set by whoever answers devices."""
        self._told: frozenset[str] = frozenset()
        """Whom the broker keeps out, as far as it was told."""
        # A lab of 60 behind one address asks four times a minute each while it waits.
        self._askers = Turnstile(clock, "fleet.enrol-often", most=600, within_ms=60_000)
        self._wrong = Turnstile(clock, "fleet.token-guessing", most=20, within_ms=600_000)

    async def open(self) -> None:
        """Learns who is shut out; a broker that is started after this is given the same list."""
        self._told = await self.revoked()

    async def enrol(self, request: EnrolRequest, *, address: str) -> EnrolAnswer:
        """One request of a machine: admitted (token, or admitted meanwhile), waiting (with a ticket), refused.

        The same machine that asks again gets its old id back (same key, or surely the same fingerprint): renamed, moved
        or installed anew, it is still one machine. Raises TooMany, BadInput("fleet.bad-csr"), Unavailable.
        """
        self._askers.pass_through(address)
        if not self.site.mqtt:
            raise Unavailable(
                "fleet.no-broker", t("This hub takes no machines yet."), t("Start its message broker, then try again.")
            )
        key = key_digest(request.csr_pem)
        if request.token is not None:
            token = await self._token(request.token, address)
            if token is None:
                return EnrolAnswer(state="refused", reason=NO_SUCH_TOKEN)
            return await self._by_token(request, key, token, address)
        ticket = await self._ticket(request, key)
        if ticket is None:
            return await self._line_up(request, key, address)
        now = self._clock.now_ms()
        await self._db.write_grouped(lambda c: store.seen(c, ticket.waiting.id, now, address))
        if ticket.waiting.state is WaitingState.WAITING:
            return EnrolAnswer(state="waiting", ticket=request.ticket, retry_s=POLL_S, reason="waiting to be admitted")
        if ticket.waiting.state is WaitingState.REFUSED or ticket.waiting.machine is None:
            return EnrolAnswer(state="refused", reason="refused by the technician")
        return await self._certify(request, ticket.waiting.machine)

    # ---- tokens

    async def new_token(self, *, by: str, room: str | None, hours: int = 24, uses: int = 60) -> tuple[RoomToken, str]:
        """A token and its text (`ds1.…`), which is shown now and never again. Raises BadInput, NotFound."""
        if not 1 <= hours <= LONGEST_TOKEN_HOURS:
            raise BadInput("fleet.token-hours", t("Choose between {a} and {b} hours.", a=1, b=LONGEST_TOKEN_HOURS), field="hours")
        if not 1 <= uses <= MOST_USES:
            raise BadInput("fleet.token-uses", t("Choose between {a} and {b} machines.", a=1, b=MOST_USES), field="uses")
        if room is not None:
            await self._rooms.get(room)
        now, mark = self._clock.now_ms(), trace(by, self._clock)
        secret = secrets.token_urlsafe(24)
        token = RoomToken(
            id=new_id("tk"), room=room, created_at=now, created_by=by, expires_at=now + hours * HOUR_MS, uses=uses, uses_left=uses
        )

        def work(c: Connection) -> None:
            store.add_token(c, token, _hash(secret))
            mark.note(c, "fleet.token-made", on=token.id, detail=room)

        await self._db.write(work)
        return token, str(Token(secret, ca_digest(self._authority.ca_pem)))

    async def tokens(self) -> list[RoomToken]:
        """Those that still open the door, newest first."""
        now = self._clock.now_ms()
        return await self._db.read(lambda c: store.tokens(c, now))

    async def revoke_token(self, token: str, *, by: str) -> None:
        """Raises NotFound when there is no such token, or none that still opens the door."""
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> None:
            if not store.revoke_token(c, token, now):
                raise NotFound("fleet.no-token", t("There is no such token."))
            mark.note(c, "fleet.token-revoked", on=token)

        await self._db.write(work)

    # ---- the list of those who wait

    async def waiting(self) -> list[Waiting]:
        """Those who ask to be admitted, newest first."""
        return await self._db.read(store.all_waiting)

    async def admit(self, waiting: str, *, by: str, room: str | None = None, seat: str | None = None) -> Machine:
        """One click: the machine gets its certificate the next time it asks (within half a minute)."""
        ticket = await self._open_ticket(waiting)
        if ticket.waiting.machine is not None:
            return await self._take_back(ticket, ticket.waiting.machine, by=by, room=room, seat=seat)
        machine = await self._enter(ticket.request, ticket.key_hash, by=by, room=room, seat=seat)
        await self._decide(waiting, WaitingState.ADMITTED, by, machine.id)
        return machine

    async def knock(self, device: str, hello: Hello) -> bool:
        """A device with a good certificate of ours that the register does not know: it was admitted after the backup this
        hub was restored from; or one with an account made for it. It joins those who wait; admitted, it keeps id, key and
        everything it has not told yet.

        Returns whether it stands in the list (not: retired machines, those refused today, a full list).
        """
        if await self._register.find(device) is not None:
            return False
        now, secret = self._clock.now_ms(), _hash(secrets.token_urlsafe(24))
        ticket = returning.ticket(device, hello, new_id("w"), now)
        stands = await self._db.write(lambda c: returning.stand_in_line(c, ticket, secret, now, most=MOST_WAITING))
        self._bus.say("fleet")
        return stands

    async def _take_back(self, ticket: store.Ticket, device: str, *, by: str, room: str | None, seat: str | None) -> Machine:
        request, now = ticket.request, self._clock.now_ms()
        machine = await self._register.find(device)
        if machine is None:
            machine = await self._register.add(
                _row(request, device, by, now, None if room is None else Place(room=room, seat=seat, since_at=now, by=by))
            )
        await self._telemetry.learn_fingerprint(device, request.fingerprint, at=now)
        await self._decide(ticket.waiting.id, WaitingState.ADMITTED, by, device)
        if self.usher is not None:
            await self.usher.welcome(device)
        return machine

    async def refuse(self, waiting: str, *, by: str) -> None:
        await self._open_ticket(waiting)
        await self._decide(waiting, WaitingState.REFUSED, by, None)

    async def twins_since(self, since: int) -> list[Waiting]:
        """Admitted machines that were made from another one's disk."""
        return await self._db.read(lambda c: store.twins_since(c, since))

    async def shut_out(self, machine: str, *, by: str) -> None:
        """Revokes a machine's certificate and retires it."""
        found = await self._register.machine(machine)
        if found.certificate is not None:
            await self._authority.revoke(found.certificate)
            await self._register.set_certificate(machine, None)
        if found.alive:
            await self._register.retire(machine, by=by)
        await self._tell_broker()

    async def revoked(self) -> frozenset[str]:
        """Devices that may not speak any more: retired machines that once had a certificate."""
        everyone = await self._register.machines(kinds=(Kind.AGENT,), retired=True)
        return frozenset(m.id for m in everyone if not m.alive)

    # ---- how it goes

    async def _token(self, text: str, address: str) -> RoomToken | None:
        now = self._clock.now_ms()
        try:
            secret = parse_token(text).secret
        except BadToken:
            secret = ""
        token = await self._db.read(lambda c: store.token_by_hash(c, _hash(secret)))
        if token is None or not token.open(now):
            self._wrong.pass_through(address)
            return None
        return token

    async def _by_token(self, request: EnrolRequest, key: str, token: RoomToken, address: str) -> EnrolAnswer:
        now = self._clock.now_ms()
        again = await self._known(request, key)
        machine = await self._enter(request, key, by=token.created_by, room=token.room, seat=None)
        waiting = Waiting(
            id=new_id("w"), hostname=request.hostname, address=address, asked_at=now, seen_at=now, state=WaitingState.ADMITTED,
            twin_of=await self._twin_of(request, machine.id), decided_at=now, decided_by=token.created_by, machine=machine.id,
        )  # fmt: skip
        # The key is remembered: should the answer be lost, its owner asks again and is still the same machine.
        ticket = store.Ticket(waiting=waiting, key_hash=key, request=_without_secrets(request), same_as=again)

        def work(c: Connection) -> None:
            store.add_waiting(c, ticket, _hash(secrets.token_urlsafe(24)))
            if again is None:
                store.use_token(c, token.id)

        await self._db.write(work)
        return await self._certify(request, machine.id)

    async def _ticket(self, request: EnrolRequest, key: str) -> store.Ticket | None:
        """The asker's own ticket; one shown with another key is worth nothing."""
        if request.ticket is not None:
            shown = _hash(request.ticket)
            found = await self._db.read(lambda c: store.ticket_by_hash(c, shown))
            if found is not None and found.key_hash == key:
                return found
        return None

    async def _line_up(self, request: EnrolRequest, key: str, address: str) -> EnrolAnswer:
        now, secret = self._clock.now_ms(), secrets.token_urlsafe(24)
        same = await self._known(request, key)
        waiting = Waiting(
            id=new_id("w"), hostname=request.hostname, address=address, asked_at=now, seen_at=now,
            twin_of=await self._twin_of(request, same), same_as=same,
        )  # fmt: skip
        ticket = store.Ticket(waiting=waiting, key_hash=key, request=_without_secrets(request), same_as=same)

        def work(c: Connection) -> None:
            before = store.ticket_by_key(c, key)
            if before is not None:
                store.new_ticket(c, before.waiting.id, _hash(secret))
                return
            store.forget_waiting(c, before=now - WAITING_FORGOTTEN_MS)
            if store.waiting_count(c) >= MOST_WAITING or store.waiting_count(c, address) >= MOST_WAITING_OF_ONE:
                raise TooMany("fleet.waiting-full", t("Too many machines are waiting to be admitted."), retry_after_s=3600)
            store.add_waiting(c, ticket, _hash(secret))

        await self._db.write(work)
        self._bus.say("fleet")
        return EnrolAnswer(state="waiting", ticket=secret, retry_s=POLL_S, reason="waiting to be admitted")

    async def _known(self, request: EnrolRequest, key: str) -> str | None:
        """The machine of the register that asks here: by its key, else by its fingerprint."""
        found = await self._db.read(lambda c: store.machine_by_key(c, key))
        if found is not None and await self._identity.resembles(found, request.fingerprint) is Likeness.OTHER:
            found = None  # the key was copied along with the disk
        found = found or await self._identity.known_by(request.fingerprint)
        if found is not None and found == request.was and await self._identity.is_told_apart(found):
            return None  # sent to the door as one of two that nothing but their boots tells apart
        machine = None if found is None else await self._register.find(found)
        return machine.id if machine is not None and machine.kind is Kind.AGENT else None

    async def _twin_of(self, request: EnrolRequest, itself: str | None) -> str | None:
        was = request.was
        if was is None or was == itself or await self._register.find(was) is None:
            return None
        return None if itself is not None and await self._identity.merging(was) == itself else was

    async def _enter(self, request: EnrolRequest, key: str, *, by: str, room: str | None, seat: str | None) -> Machine:
        """A row of the register for the asker: the old one where it is known, else a new one."""
        now = self._clock.now_ms()
        same = await self._known(request, key)
        if same is not None:
            machine = await self._register.machine(same)
            if not machine.alive:
                machine = await self._register.bring_back(same, by=by)
            if room is not None and (machine.place is None or machine.place.room != room or seat is not None):
                machine = await self._register.move(same, room, seat, by=by)
        else:
            place = None if room is None else Place(room=room, seat=seat, since_at=now, by=by)
            machine = await self._register.add(_row(request, new_id("pc"), by, now, place))
        if same is not None:
            await self._identity.returned(same, request.fingerprint)
        await self._telemetry.learn_fingerprint(machine.id, request.fingerprint, at=now)
        if request.was is not None and await self._identity.merging(request.was) == machine.id:
            await self.shut_out(request.was, by=by)
            await self._identity.merged(request.was)
        twin_of = await self._twin_of(request, machine.id)
        if twin_of is not None:
            await self._telemetry.twin_left(twin_of)
        return machine

    async def _certify(self, request: EnrolRequest, device: str) -> EnrolAnswer:
        machine = await self._register.machine(device)
        if not machine.alive:
            return EnrolAnswer(state="refused", reason="this machine was retired by the technician")
        certificate, serial = await self._authority.sign(request.csr_pem, device)
        if machine.certificate is not None:
            await self._authority.revoke(machine.certificate)
        await self._register.set_certificate(device, serial)
        if device in self._told:  # it was brought back: the broker must know before the machine knocks
            await self._tell_broker()
        await self._register.note_identity(
            device, hostname=request.hostname, maker=request.maker, model=request.model, simulated=request.simulated
        )
        return EnrolAnswer(
            state="admitted",
            school=self.site.school,
            device=device,
            certificate=certificate,
            ca=self._authority.ca_pem,
            mqtt=self.site.mqtt,
            user_key=self._authority.user_key,
        )

    async def _tell_broker(self) -> None:
        self._told = await self.revoked()
        if self.doorkeeper is not None:
            await self.doorkeeper.revoke(self._told)

    async def _open_ticket(self, waiting: str) -> store.Ticket:
        found = await self._db.read(lambda c: store.waiting(c, waiting))
        if found is None:
            raise NotFound("fleet.no-waiting", t("Nobody waits here by this number."))
        if found.waiting.state is not WaitingState.WAITING:
            raise Conflict("fleet.already-decided", t("This has been decided already."))
        return found

    async def _decide(self, waiting: str, state: WaitingState, by: str, machine: str | None) -> None:
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> None:
            store.decide(c, waiting, state, now, by, machine)
            store_register.forget_acknowledgements(c, [f"waiting:{waiting}"])
            mark.note(c, f"fleet.machine-{state}", on=machine or waiting)

        await self._db.write(work)
        self._bus.say("fleet")


def _row(request: EnrolRequest, device: str, by: str, now: int, place: Place | None) -> Machine:
    return Machine(
        id=device, name=request.hostname or "PC", hostname=request.hostname, kind=Kind.AGENT, simulated=request.simulated,
        admitted_at=now, admitted_by=by, maker=request.maker, model=request.model,
        os=" ".join(filter(None, (request.os.name or request.os.family, request.os.version))), place=place,
    )  # fmt: skip


def _hash(secret: str) -> str:
    """Secrets are long and random: one SHA-256 keeps them as well as a slow hash would."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _without_secrets(request: EnrolRequest) -> EnrolRequest:
    return msgspec.structs.replace(request, token=None, ticket=None)
