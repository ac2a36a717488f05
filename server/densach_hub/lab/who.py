"""Who is who: which machines the hub took for one and which for two, why, and a technician's word that overrules it."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, see_other
from densach_hub.fleet.model import Kind, TwinMode
from densach_hub.lab.frame import routes, show
from densach_hub.lab.service import LAB


class MergeForm(msgspec.Struct, frozen=True):
    machine: str = ""
    into: str = ""


class ModeForm(msgspec.Struct, frozen=True):
    mode: TwinMode = TwinMode.ENFORCE


WHAT = {
    "new-parts": t("The same machine with other parts"),
    "returned": t("Known again when it joined: it has its old name and history"),
    "fingerprint": t("Another machine with this one's disk: held apart"),
    "alternating": t("Two machines take turns under one name: held apart"),
    "moved-disk": t("Its disk was put into another machine of the school: sent there"),
    "same": t("A person said: the same machine"),
    "split": t("A person said: another machine"),
    "merged": t("A person said: one machine with another entry"),
}
KINDS = {
    "board": t("main board"), "chassis": t("case"), "product": t("serial number"), "product-uuid": t("machine code"),
    "disk": t("disk"), "mac": t("MAC address"), "tpm": t("security chip"),
}  # fmt: skip
MODES = {
    TwinMode.OFF: t("Off: hardware is not compared. Copies of a disk write into one history."),
    TwinMode.LOG: t("Watch: copies are named here and among the alerts, and still taken in."),
    TwinMode.ENFORCE: t("Act: a copy is kept out of the other's history and joins as a machine of its own."),
}


@routes.get("/lab/identity", who=TECHNICIANS)
async def identity(request: web.Request) -> web.StreamResponse:
    """The newest decisions, of all or of one machine (`?machine=`)."""
    lab, of = request.app[LAB], request.query.get("machine") or None
    machines = await lab.fleet.register.machines(retired=True)
    waiting = sum(1 for w in await lab.fleet.enrolment.waiting() if w.twin_of and of in (None, w.twin_of))
    return await show(
        request,
        "lab/identity.html",
        here="/lab/machines",
        title=t("Who is who"),
        decisions=await lab.fleet.identity.decisions(of),
        names={m.id: m.name for m in machines},
        choices=sorted((m.name, m.id) for m in machines if m.alive and m.kind is Kind.AGENT),
        mode=(await lab.fleet.policy.get()).twins,
        modes=MODES,
        what=WHAT,
        kinds=KINDS,
        of=of,
        twins_waiting=waiting,
    )


@routes.post("/lab/identity/{id:\\d+}/split", who=TECHNICIANS)
async def split(request: web.Request) -> web.StreamResponse:
    device = await request.app[LAB].fleet.identity.split(int(request.match_info["id"]), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="lab.identity-split", on=device)
    return see_other(request, "/lab/identity", flash=t("Noted. The other machine joins under a name of its own."))


@routes.post("/lab/identity/merge", who=TECHNICIANS)
async def merge(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, MergeForm)
    await request.app[LAB].fleet.identity.merge(form.machine, form.into, by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="lab.identity-merge", on=form.machine, detail=form.into)
    return see_other(request, "/lab/identity", flash=t("Noted. It comes back as the other entry and is retired here then."))


@routes.post("/lab/identity/mode", who=TECHNICIANS)
async def mode(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ModeForm)
    policy = request.app[LAB].fleet.policy
    await policy.put(msgspec.structs.replace(await policy.get(), twins=form.mode), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="lab.identity-mode", detail=str(form.mode))
    return see_other(request, "/lab/identity", flash=t("Saved."))
