"""Set-up without its pages: what a technician would type, in a file (`densach hub setup --answers FILE`)."""

from pathlib import Path

import msgspec

from densach_core.errors import BadInput
from densach_core.settings import read_settings
from densach_core.text import t
from densach_hub.fleet.model import Room, RoomKind
from densach_hub.people.calendar import proposed
from densach_hub.people.forms import ProfileForm
from densach_hub.people.model import Level
from densach_hub.people.service import People
from densach_hub.setup.service import Setup


class SchoolAnswers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[school]`. The year's calendar begins as the usual one; a person corrects it on the pages."""

    name: str
    code: str
    levels: list[Level]
    province_code: str | None = None
    province: str | None = None
    commune_code: str | None = None
    commune: str | None = None
    login_by_class: bool = True


class AdminAnswers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[administrator]`; the password by `password_file`."""

    login: str
    password: str
    name: str = ""


class RoomAnswers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[rooms]]`."""

    name: str
    seats: int
    kind: RoomKind = RoomKind.COMPUTER_ROOM
    levels: tuple[str, ...] = ()


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    school: SchoolAnswers
    administrator: AdminAnswers
    rooms: tuple[RoomAnswers, ...] = ()


def read_answers(path: Path) -> Answers:
    """Raises BadInput("settings.…") naming file and key, BadInput("setup.no-answers") when there is no such file."""
    if not path.is_file():
        raise BadInput("setup.no-answers", t("There is no file {file}.", file=str(path)))
    return read_settings(path, Answers)


async def set_up(setup: Setup, people: People, answers: Answers) -> list[Room]:
    """Does what is not done yet, in the order of the pages, and opens the hub; returns its rooms.

    Interrupted, it can be called again. Raises what the pages would say: BadInput("profile.…"), ("accounts.…"), ("setup.…").
    """
    said = answers.school
    form = ProfileForm(
        name=said.name,
        code_1=said.code,
        levels=said.levels,
        province_code=said.province_code,
        province=said.province,
        commune_code=said.commune_code,
        commune=said.commune,
        login_by_class=said.login_by_class,
    )
    await setup.begin()
    progress = await setup.progress()
    if not progress.clock:
        await setup.clock_done()
    await people.set_profile(form.profile(await people.profile()), by="set-up")
    if not progress.calendar:
        await people.set_calendar(proposed(await people.today()), by="set-up")
    if not progress.admin:
        admin = answers.administrator
        await setup.first_admin(
            name=admin.name or admin.login, login=admin.login, password=admin.password, again=admin.password
        )  # fmt: skip
    there = {room.name for room in await setup.rooms()}
    for room in answers.rooms:
        if room.name not in there:
            await setup.add_room(name=room.name, seats=room.seats, kind=room.kind, levels=room.levels, campus="")
    await setup.rooms_done()
    await setup.finish(by="set-up")
    return await setup.rooms()
