"""The main pages, by who looks at them."""

from densach_core.accounts.model import Role

ROOM = "/lab/rooms/phong-tin-hoc-1-nha-nguyen-binh-khiem"
TECHNICIAN = {
    "lab": "/lab",
    "lab-room": ROOM,
    "lab-room-edit": f"{ROOM}/edit",
    "lab-rooms": "/lab/rooms",
    "lab-machine": "/lab/machines/pc-pc-07",
    "lab-machine-declared": "/lab/machines/pc-pc-41-chua-xep-cho",
    "lab-machines": "/lab/machines",
    "lab-software": "/lab/machines/pc-pc-07/software",
    "lab-alerts": "/lab/alerts",
    "lab-waiting": "/lab/waiting",
    "lab-quarantine": "/lab/quarantine",
    "lab-declare": "/lab/declare",
    "lab-labels": f"{ROOM}/labels",
    "lab-logbook": f"{ROOM}/logbook",
    "lab-studio": "/lab/studio",
    "lab-equipment": "/lab/studio/tasmota-48551917e7ae",
    "join": "/join",
    "reports": "/reports",
}
ANYBODY = {
    "library": "/",
    "search": "/search?q=dai+so",
    "item": "/items/{book}",
    "read-book": "/read/{book}",
    "read-paper": "/read/{paper}",
    "watch-film": "/read/{film}",
    "try-simulation": "/read/{simulation}",
    "fault": "/fault/phong-tin-hoc-2.03",
    "login": "/login",
    "login-staff": "/login?as=staff",
    "nothing-here": "/nothing-here",
}
ADMIN = {"desk": "/desk", "desk-item": "/desk/items/{broken}", "classes": "/classes", "account": "/account", "admin": "/admin"}

EVERY: list[tuple[str, str, Role | None]] = [
    *((name, path, Role.TECHNICIAN) for name, path in TECHNICIAN.items()),
    *((name, path, None) for name, path in ANYBODY.items()),
    *((name, path, Role.ADMIN) for name, path in ADMIN.items()),
]
