"""Asking machines to do something: choose, confirm, watch what becomes of it. Works without scripts; every question is
in the audit log with who asked."""

from typing import Any

from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS, Account
from densach_core.errors import BadInput, NotAllowed
from densach_core.text import Text, t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_hub.fleet.asking import ASKER, ASKERS, Asked, AskedState, Wish, may_ask
from densach_hub.fleet.model import Kind
from densach_hub.fleet.sights import Glyph, MachineRow
from densach_hub.lab.frame import routes
from densach_hub.lab.model import AskedLine, AskForm
from densach_hub.lab.service import LAB, Lab

WISHES: dict[Wish, Text] = {
    Wish.MESSAGE: t("Show a message"),
    Wish.SHUTDOWN: t("Switch off"),
    Wish.WAKE: t("Switch on over the network"),
    Wish.IDENTIFY: t("Blink, to be found"),
    Wish.RESTART: t("Restart"),
    Wish.REFRESH: t("Tell everything anew"),
}
ICONS = {
    Wish.MESSAGE: "send", Wish.SHUTDOWN: "moon", Wish.WAKE: "sun", Wish.IDENTIFY: "bell", Wish.RESTART: "plug",
    Wish.REFRESH: "search",
}  # fmt: skip
STATES: dict[AskedState, Text] = {
    AskedState.SENT: t("sent, no answer yet"),
    AskedState.ACCEPTED: t("accepted, under way"),
    AskedState.DONE: t("done"),
    AskedState.REFUSED: t("refused"),
    AskedState.EXPIRED: t("no answer in time: it will not be done"),
    AskedState.UNFINISHED: t("accepted, then nothing was heard"),
}
WAKING = t("called; it says so itself when it is awake")
FAILED = t("could not do it")
OFF = t("switched off, so it does not answer")
GRACE_S = 60


@routes.get("/lab/ask", who=ASKERS)
async def ask(request: web.Request) -> web.StreamResponse:
    """First which machines and what (`?room=`, `?machine=`), then the same with a question: really? (`what` chosen)"""
    lab, account = request.app[LAB], me(request)
    chosen = request.query.getall("machine", [])
    room = request.query.get("room", "")
    what = request.query.get("what", "")
    rows = [row for row in await lab.machines() if row.machine.kind is Kind.AGENT and row.machine.alive]
    common = {
        "title": t("Ask machines"), "wishes": wishes_of(account), "icons": ICONS, "room": room, "what": what,
        "technician": account.has(TECHNICIANS), "grace_s": GRACE_S,
    }  # fmt: skip
    picked = [row for row in rows if row.machine.id in set(chosen)]
    if what and picked and "again" not in request.query:
        wish = wish_of(account, what)
        return await _show(
            request, "lab/ask_confirm.html", rows=picked, wish=wish, text=request.query.get("text", ""),
            at_work=sum(1 for row in picked if row.glyph is Glyph.IN_USE), **common,
        )  # fmt: skip
    here = [row for row in rows if not room or (row.machine.place is not None and row.machine.place.room == room)]
    return await _show(
        request, "lab/ask.html", rows=here, chosen=set(chosen), rooms=await lab.fleet.rooms.all(),
        missing=bool(what) and not picked, **common,
    )  # fmt: skip


@routes.post("/lab/ask", who=ASKERS)
async def send(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, AskForm)
    batch = await ask_machines(request, form.machine, form.what, text=form.text, force=form.force)
    return see_other(request, f"/lab/asked/{batch}")


@routes.get("/lab/asked/{batch}", who=ASKERS)
async def asked(request: web.Request) -> web.StreamResponse:
    """What became of it, machine by machine."""
    return await _progress(request, "lab/asked.html")


@routes.get("/lab/asked/{batch}/list", who=ASKERS)
async def asked_list(request: web.Request) -> web.StreamResponse:
    """The part of that page that lives."""
    return await _progress(request, "lab/part_asked.html")


async def ask_machines(request: web.Request, machines: list[str], what: str, *, text: str = "", force: bool = False) -> str:
    """Sends it, with its trace; the batch. Raises NotAllowed, BadInput, NotFound."""
    account, lab = me(request), request.app[LAB]
    wish = wish_of(account, what)
    if not machines:
        raise BadInput("lab.none-chosen", t("No machine is ticked."), t("Tick the machines first."), field="machine")
    words = " ".join(text.split())
    if wish is Wish.MESSAGE and not 0 < len(words) <= 500:
        raise BadInput("lab.message-text", t("Write a message of at most {n} letters.", n=500), field="text")
    known = {m.id: m for m in await lab.fleet.register.machines(kinds=(Kind.AGENT,))}
    args: dict[str, str | int | float | bool | None] = {}
    if wish is Wish.MESSAGE:
        args["text"] = words
    if wish in (Wish.SHUTDOWN, Wish.RESTART):
        args = {"grace_s": GRACE_S, "force": force}
    strangers = [machine for machine in machines if machine not in known]
    if strangers:
        raise BadInput("lab.no-agent", t("No agent runs on one of these machines."), field="machine")
    one = machines[0] if len(machines) == 1 else None
    detail = {"machines": machines, "force": True} if force else {"machines": machines}
    await request.app[AUDIT].note(by=account, what=f"lab.asked-{wish}", on=one, detail=detail)
    return await request.app[ASKER].ask(machines, wish, args, by=account.name)


def wishes_of(account: Account) -> dict[Wish, Text]:
    return {wish: words for wish, words in WISHES.items() if may_ask(wish, account.roles)}


def wish_of(account: Account, what: str) -> Wish:
    """Raises BadInput, NotAllowed."""
    try:
        wish = Wish(what)
    except ValueError as error:
        raise BadInput("lab.no-wish", t("Choose what the machines are to do."), field="what") from error
    if not may_ask(wish, account.roles):
        raise NotAllowed("lab.wish-denied", t("Only a technician may ask for this."))
    return wish


async def lines(request: web.Request, batch: str) -> list[AskedLine]:
    """Each machine of a batch with how its request stands, in the order of rooms and seats. Raises NotFound."""
    lab: Lab = request.app[LAB]
    rows = {row.machine.id: row for row in await lab.machines()}
    now = lab.now_ms()
    found = []
    for one in await request.app[ASKER].batch(batch):
        row: MachineRow | None = rows.get(one.device)
        state = one.state(now)
        found.append(
            AskedLine(
                asked=one,
                state=state,
                row=row,
                said=_said(one, state, row),
                why=None if one.failed else one.why(),
                words=one.words() if one.failed else "",
            )
        )
    order = {device: n for n, device in enumerate(rows)}
    return sorted(found, key=lambda line: order.get(line.asked.device, len(order)))


def _said(one: Asked, state: AskedState, row: MachineRow | None) -> Text:
    if one.failed:
        return FAILED
    if one.name == Wish.WAKE and state is AskedState.ACCEPTED:
        return WAKING
    off = state is AskedState.SENT and one.name != Wish.WAKE and row is not None and row.glyph is Glyph.OFF
    return OFF if off else STATES[state]


async def _progress(request: web.Request, template: str) -> web.StreamResponse:
    batch = request.match_info["batch"]
    found = await lines(request, batch)
    first = found[0].asked
    wish = Wish(first.name)
    done = sum(1 for line in found if line.state is AskedState.DONE)
    busy = [line for line in found if line.asked.reason.startswith("busy")]
    page = await _show(
        request, template, title=WISHES[wish], lines=found, first=first, batch=batch, wish=wish, busy=busy,
        open=any(line.state.open for line in found), technician=me(request).has(TECHNICIANS), icons=ICONS,
        count=tn("done by {done} of {n} machine", "done by {done} of {n} machines", n=len(found), done=done),
    )  # fmt: skip
    page.headers["Cache-Control"] = "no-store"
    return page


async def _show(request: web.Request, template: str, **values: Any) -> web.Response:
    waiting = await request.app[LAB].waiting_count() if values.get("technician") else 0
    return render(request, template, here="/lab/rooms", waiting_count=waiting, **values)
