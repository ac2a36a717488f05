"""`python -m densach_demo.making office|school FOLDER`: one step of the first start, in a process of its own.

The school's step needs the office to be running, for the pairing. Prints how far it is.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from densach_core.clock import SystemClock
from densach_demo import notes
from densach_demo.content.shelf import write_shelf
from densach_demo.notes import Notes, read_notes, write_notes
from densach_demo.school import fill_library, hub_toml, make_office, make_school, office_toml
from densach_demo.simulator.lab import Plan, PlugPlan, RoomPlan
from densach_hub.opening import open_rooms
from densach_office.app import open_office

TOKEN_HOURS = 24


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def office_step(folder: Path, known: Notes) -> None:
    place = folder / notes.OFFICE
    place.mkdir(parents=True, exist_ok=True)
    (place / "densach.toml").write_text(office_toml(known.ports), "utf-8")
    async with open_office(place, SystemClock()) as office:
        log_in, code = await make_office(office)
    (folder / "pairing-code").write_text(code, "ascii")
    write_notes(folder, msgspec.structs.replace(known, office_log_in=log_in))
    say("cơ quan quản lý (office)")


async def school_step(folder: Path, known: Notes) -> None:
    place = folder / notes.HUB
    place.mkdir(parents=True, exist_ok=True)
    (place / "densach.toml").write_text(hub_toml(known.ports), "utf-8")
    say("tài liệu của thư viện (the library's files)")
    pieces = await asyncio.to_thread(write_shelf, folder / "shelf")
    async with open_rooms(place, SystemClock()) as rooms:
        say("phòng máy, lớp, học sinh, tài khoản (rooms, classes, pupils, accounts)")
        made = await make_school(rooms, rooms.people, machines=known.machines)
        await fill_library(rooms, pieces)
        say("ghép với cơ quan quản lý (pairing with the office)")
        await rooms.sender.pair(known.ports.office_url, (folder / "pairing-code").read_text("ascii"))
        plans = []
        first = 1
        for room, count in made.rooms:
            _, token = await rooms.fleet.enrolment.new_token(by="demo", room=room, hours=TOKEN_HOURS, uses=count)
            plans.append(RoomPlan(room, token, first, first + count - 1))
            first += count
        _, own = await rooms.fleet.enrolment.new_token(by="demo", room=made.rooms[0][0], hours=TOKEN_HOURS, uses=1)
    password = place / "mosquitto" / "studio.password"
    plug = PlugPlan(known.ports.shown, known.ports.equipment, str(password.resolve()))
    simulated = folder / notes.SIMULATED
    simulated.mkdir(exist_ok=True)
    (simulated / "plan.json").write_bytes(msgspec.json.encode(Plan(known.ports.hub_url, tuple(plans), plug=plug)))
    (folder / "agent-token").write_text(own, "ascii")
    write_notes(folder, msgspec.structs.replace(known, log_ins=made.log_ins, token=made.token))


def main(step: str, folder: Path) -> int:
    known = read_notes(folder)
    if known is None:
        say(f"{folder} holds no demonstration")
        return 1
    asyncio.run((office_step if step == "office" else school_step)(folder, known))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2])))
