"""Pages under /lab/provision: choose a play and machines, confirm, watch, and what became of it. Works without scripts."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import BadInput, Conflict, Problem, Unavailable
from densach_core.text import t
from densach_core.web.identity import address_here, me
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import EVERYONE, Routes
from densach_core.web.speech import LOCALE
from densach_core.web.statuses import status_of
from densach_hub.fleet.model import Kind
from densach_hub.fleet.service import FLEET
from densach_hub.provisioning import let_in
from densach_hub.provisioning.choosing import WORDS, Candidate
from densach_hub.provisioning.keys import fingerprint
from densach_hub.provisioning.model import HostState, Order, Play, Run, Value, VariableKind
from densach_hub.provisioning.service import PROVISIONING, Provisioning
from densach_hub.provisioning.standing import by_room, seated
from densach_hub.provisioning.words import DANGERS, HOST_ICONS, HOST_STATES, REASONS, RUN_ICONS, RUN_STATES, hint

routes = Routes("provisioning")
GIVEN = "v-"
"""Before the name of a play's value in a form."""


class RunForm(msgspec.Struct, frozen=True, kw_only=True):
    play: str = ""
    room: str = ""
    machine: list[str] = []
    user: str = ""
    password: str = ""
    check: bool = False
    confirmed: bool = False


@routes.get("/lab/provision", who=TECHNICIANS)
async def overview(request: web.Request) -> web.StreamResponse:
    service = request.app[PROVISIONING]
    plays, problem = _plays(service)
    rows = await service.fleet.alerts.machines()
    hub, script = await _let_in(request)
    return await _show(
        request, "provisioning/overview.html", title=t("Set machines up"), plays=plays, problem=problem,
        readiness=service.readiness(), every=len(rows), simulated=sum(1 for row in rows if row.machine.simulated),
        real=sum(1 for row in rows if row.machine.kind is Kind.AGENT and not row.machine.simulated),
        rooms=by_room(await service.fleet.rooms.all(), rows, await service.history.lasts()),
        public_key=service.public_key(), known=service.known_hosts(), user=service.user, let_in=let_in.line(hub, script),
        key_mark=fingerprint(service.public_key().split()[1]),
        names={row.machine.id: row.machine.name for row in rows}, room=request.query.get("room", ""), **await _runs(request),
    )  # fmt: skip


@routes.get("/lab/provision/list", who=TECHNICIANS)
async def runs_list(request: web.Request) -> web.StreamResponse:
    """The part of that page that lives."""
    return await _show(request, "provisioning/part_runs.html", **await _runs(request))


@routes.get("/lab/provision/new", who=TECHNICIANS)
async def choose(request: web.Request) -> web.StreamResponse:
    """`?play=` with `?room=` or `?machine=`: machines on the map of the room, and the play's values."""
    return await _choose(request, None)


@routes.get("/lab/provision/confirm", who=TECHNICIANS)
async def confirm(request: web.Request) -> web.StreamResponse:
    """What would be done, on which machines. Nothing is done yet."""
    service = request.app[PROVISIONING]
    form = RunForm(
        play=request.query.get("play", ""), room=request.query.get("room", ""), machine=request.query.getall("machine", [])
    )
    order = _order(form, request.query)
    try:
        if not order.machines:
            raise BadInput("provisioning.none-chosen", t("No machine is ticked."), t("Tick the machines first."))
        await service.prepare(order)
    except (BadInput, Unavailable) as problem:
        return await _choose(request, problem)
    return await _confirm(request, order, None)


@routes.post("/lab/provision/runs", who=TECHNICIANS)
async def start(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, RunForm)
    posted = await request.post()
    order = _order(form, {name: value for name, value in posted.items() if isinstance(value, str)})
    try:
        run = await request.app[PROVISIONING].start(order, by=me(request))
    except (BadInput, Conflict, Unavailable) as problem:
        return await _confirm(request, order, problem)
    return see_other(request, f"/lab/provision/runs/{run.id}")


@routes.get("/lab/provision/runs/{run}", who=TECHNICIANS)
async def one(request: web.Request) -> web.StreamResponse:
    return await _run(request, "provisioning/run.html")


@routes.get("/lab/provision/runs/{run}/state", who=TECHNICIANS)
async def state(request: web.Request) -> web.StreamResponse:
    """The part of a run's page that lives."""
    return await _run(request, "provisioning/part_run.html")


@routes.get("/lab/provision/runs/{run}/log", who=TECHNICIANS)
async def log(request: web.Request) -> web.StreamResponse:
    """What Ansible printed, for those who know it."""
    service = request.app[PROVISIONING]
    run = await service.history.one(request.match_info["run"])
    return web.Response(text=service.log_of(run.id), content_type="text/plain", headers={"Cache-Control": "no-store"})


@routes.post("/lab/provision/runs/{run}/stop", who=TECHNICIANS)
async def stop(request: web.Request) -> web.StreamResponse:
    run_id = request.match_info["run"]
    await request.app[PROVISIONING].stop(run_id, by=me(request))
    return see_other(request, f"/lab/provision/runs/{run_id}", flash=t("It is being stopped."))


@routes.get(let_in.PATH, who=EVERYONE)
async def let_in_script(request: web.Request) -> web.StreamResponse:
    """What a machine runs to let this hub in. Nothing in it is secret."""
    _, script = await _let_in(request)
    return web.Response(text=script, content_type="text/x-shellscript", charset="utf-8", headers={"Cache-Control": "no-store"})


@routes.post("/lab/provision/host-keys/{machine}/forget", who=TECHNICIANS)
async def forget(request: web.Request) -> web.StreamResponse:
    await request.app[PROVISIONING].forget(request.match_info["machine"], by=me(request))
    return see_other(request, "/lab/provision#keys", flash=t("Forgotten: the next key of this machine is believed."))


# ---- what the pages are made of


async def _let_in(request: web.Request) -> tuple[str, str]:
    """The hub's address as this browser or machine has it, and the script that lets the hub in."""
    service, hub = request.app[PROVISIONING], address_here(request)
    return hub, await asyncio.to_thread(let_in.script, hub, service.user, service.public_key())


def _plays(service: Provisioning) -> tuple[tuple[Play, ...], Problem | None]:
    try:
        return service.plays(), None
    except Unavailable as problem:
        return (), problem


async def _runs(request: web.Request) -> dict[str, Any]:
    service = request.app[PROVISIONING]
    runs = await service.history.runs(limit=50)
    return {"runs": runs, "titles": _titles(service), "open": any(not run.state.over for run in runs)}


def _titles(service: Provisioning) -> dict[str, str]:
    """File → the play's name in the reader's language."""
    return {play.file: play.title.say(LOCALE.get()) for play in _plays(service)[0]}


def _order(form: RunForm, given: Mapping[str, str]) -> Order:
    values: dict[str, Value] = {
        name.removeprefix(GIVEN): value for name, value in given.items() if name.startswith(GIVEN) and value != ""
    }
    return Order(
        play=form.play, room=form.room or None, machines=tuple(form.machine), check=form.check, confirmed=form.confirmed,
        values=values, user=form.user, password=form.password,
    )  # fmt: skip


async def _choose(request: web.Request, problem: Problem | None) -> web.Response:
    service = request.app[PROVISIONING]
    play = service.play(request.query.get("play", ""))
    rooms = await request.app[FLEET].rooms.all()
    room = next((room for room in rooms if room.id == request.query.get("room", "")), None)
    found = await service.candidates(play, room.id if room else None)
    usable = [one for one in found if one.why is None]
    page = await _show(
        request, "provisioning/choose.html", title=play.title.say(LOCALE.get()), play=play, rooms=rooms, room=room,
        cells=seated(room, found) if room else (), usable=usable, left_out=[one for one in found if one.why is not None],
        chosen=set(request.query.getall("machine", [])), given=request.query, problem=problem, prefix=GIVEN,
        fields=_fields(play, request.query), kinds=VariableKind, count=len(found),
    )  # fmt: skip
    if problem is not None:
        page.set_status(status_of(problem))
    return page


def _fields(play: Play, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """A play's values as a form shows them, in the reader's language, with what was typed."""
    locale = LOCALE.get()
    return [
        {
            "name": f"{GIVEN}{variable.name}", "kind": variable.kind.value, "label": variable.label.say(locale),
            "hint": variable.hint.say(locale) if variable.hint else None, "required": variable.required,
            "choices": [(key, words.say(locale)) for key, words in variable.choices.items()],
            "value": given.get(f"{GIVEN}{variable.name}", variable.default), "least": variable.least, "most": variable.most,
        }
        for variable in play.variables
    ]  # fmt: skip


def _chosen(play: Play, values: Mapping[str, Value]) -> dict[str, str]:
    """Values that were chosen from a list, in the list's own words."""
    locale = LOCALE.get()
    lists = {variable.name: variable.choices for variable in play.variables}
    return {name: lists[name][str(value)].say(locale) for name, value in values.items() if str(value) in lists.get(name, {})}


async def _confirm(request: web.Request, order: Order, problem: Problem | None) -> web.Response:
    service = request.app[PROVISIONING]
    play = service.play(order.play)
    wanted = set(order.machines)
    every: Sequence[Candidate] = await service.candidates(play)
    chosen = [one for one in every if one.machine in wanted]
    locale = LOCALE.get()
    labels = {variable.name: variable.label.say(locale) for variable in play.variables}
    words = _chosen(play, order.values)
    page = await _show(
        request, "provisioning/confirm.html", title=play.title.say(locale), play=play, order=order, chosen=chosen, labels=labels,
        words=words, prefix=GIVEN, problem=problem, user=order.user or service.user, readiness=service.readiness(),
    )  # fmt: skip
    page.headers["Cache-Control"] = "no-store"
    if problem is not None:
        page.set_status(status_of(problem))
    return page


async def _run(request: web.Request, template: str) -> web.Response:
    service = request.app[PROVISIONING]
    run = await service.history.one(request.match_info["run"])
    plays = {play.file: play for play in _plays(service)[0]}
    play = plays.get(run.play)
    log_tail = service.log_of(run.id)[-1500:] if run.reason in ("provisioning.not-begun", "provisioning.ended-early") else ""
    locale = LOCALE.get()
    page = await _show(
        request, template, title=play.title.say(locale) if play else run.title or run.play, run=run, play=play,
        reason=REASONS.get(run.reason), hints={host.host: words for host in run.bad if (words := hint(host.message)) is not None},
        names=await _names(request, run), log_tail=log_tail, prefix=GIVEN, open=not run.state.over,
        labels={variable.name: variable.label.say(locale) for variable in play.variables} if play else {},
        chosen=_chosen(play, run.values) if play else {},
    )  # fmt: skip
    page.headers["Cache-Control"] = "no-store"
    return page


async def _names(request: web.Request, run: Run) -> dict[str, str]:
    """What people call the machines of a run."""
    wanted = {host.machine for host in run.hosts}
    machines = await request.app[FLEET].register.machines(retired=True)
    return {machine.id: machine.name for machine in machines if machine.id in wanted}


async def _show(request: web.Request, template: str, **values: Any) -> web.Response:
    waiting = len(await request.app[FLEET].enrolment.waiting())
    common: dict[str, Any] = {
        "run_states": RUN_STATES, "run_icons": RUN_ICONS, "host_states": HOST_STATES, "host_icons": HOST_ICONS,
        "dangers": DANGERS, "why_not": WORDS, "in_order": list(HostState), "waiting_count": waiting,
    }  # fmt: skip
    return render(request, template, here="/lab/provision", **common, **values)
