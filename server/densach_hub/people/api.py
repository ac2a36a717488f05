"""What the pages can do, for programs."""

from datetime import date

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, LIBRARIANS, PRINCIPALS, TEACHERS, TECHNICIANS
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES, SITE
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_hub.people.calendar import proposed_for
from densach_hub.people.imports import Done
from densach_hub.people.model import Calendar, Completeness, LevelCount, Pupil, SchoolClass, SchoolProfile, Teacher
from densach_hub.people.plan import What
from densach_hub.people.rosters import Preview
from densach_hub.people.service import PEOPLE
from densach_hub.people.slips import Slip
from densach_hub.people.table import LARGEST_FILE

routes = Routes("people")
READERS = ADMINS | LIBRARIANS | TECHNICIANS | PRINCIPALS


class ClassList(msgspec.Struct, frozen=True):
    school_year: str
    classes: list[SchoolClass]


class ClassSaid(msgspec.Struct, frozen=True):
    """What a person says of a class: `grade` 1 to 12, `homeroom_id` a teacher's id, `room_ids` where it is taught."""

    name: str
    grade: int
    homeroom_id: str | None = None
    room_ids: tuple[str, ...] = ()


class PupilList(msgspec.Struct, frozen=True):
    school_class: SchoolClass
    pupils: list[Pupil]


class TeacherList(msgspec.Struct, frozen=True):
    teachers: list[Teacher]


class SlipList(msgspec.Struct, frozen=True):
    """`secret` is shown this once."""

    slips: list[Slip]


class RosterSummary(msgspec.Struct, frozen=True):
    """None where there is no roster: unknown is never 0."""

    school_year: str
    levels: list[LevelCount] | None
    lacking: Completeness | None


class SchoolDays(msgspec.Struct, frozen=True):
    """Newest first, before `before` (exclusive); fewer than asked when the calendars hold no more."""

    before: date
    days: list[date]


class Remark(msgspec.Struct, frozen=True):
    """`used`: the row was used without the odd cell."""

    sheet: str
    row: int
    code: str
    text: str
    used: bool


class ShownRoster(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would change; `mark` confirms exactly this."""

    id: str
    mark: str
    school_year: str
    new: list[str]
    changed: dict[str, tuple[str, ...]]
    same: int
    left: list[str]
    missing: list[Pupil]
    remarks: list[Remark]
    ignored_columns: list[str]


class Confirmation(msgspec.Struct, frozen=True):
    """`mark` of the preview: what is done is exactly what was shown."""

    mark: str


@routes.api("GET", "/api/v1/school", who=READERS, answers=SchoolProfile, summary="The school's profile")
async def school(request: web.Request) -> SchoolProfile:
    return await request.app[PEOPLE].profile()


@routes.api("PUT", "/api/v1/school", who=ADMINS, takes=SchoolProfile, answers=SchoolProfile, summary="Change the profile")
async def set_school(request: web.Request) -> SchoolProfile:
    profile = await read_body(request, SchoolProfile)
    await request.app[PEOPLE].set_profile(profile, by=me(request))
    if profile.name:
        request.app[SITE].title = profile.name
    return profile


@routes.api("GET", "/api/v1/calendars/{year}", who=READERS, answers=Calendar, summary="A school year, or its proposal")
async def calendar(request: web.Request) -> Calendar:
    year = request.match_info["year"]
    return await request.app[PEOPLE].calendar(year) or proposed_for(year)


@routes.api("PUT", "/api/v1/calendars/{year}", who=ADMINS, takes=Calendar, answers=Calendar, summary="Change a school year")
async def set_calendar(request: web.Request) -> Calendar:
    given = await read_body(request, Calendar)
    year = request.match_info["year"]
    proposed_for(year)
    changed = msgspec.structs.replace(given, id=year)
    await request.app[PEOPLE].set_calendar(changed, by=me(request))
    return changed


@routes.api("GET", "/api/v1/school-days", who=READERS, answers=SchoolDays, summary="The last five school days before today")
async def school_days(request: web.Request) -> SchoolDays:
    people = request.app[PEOPLE]
    today = await people.today()
    return SchoolDays(today, await people.last_school_days(5, today))


@routes.api("GET", "/api/v1/roster", who=READERS, answers=RosterSummary, summary="Pupils and classes by level; what is missing")
async def roster(request: web.Request) -> RosterSummary:
    people = request.app[PEOPLE]
    return RosterSummary(await people.school_year(), await people.levels(), await people.completeness())


@routes.api("GET", "/api/v1/classes", who=TEACHERS, answers=ClassList, summary="Classes of this school year")
async def classes(request: web.Request) -> ClassList:
    people = request.app[PEOPLE]
    return ClassList(await people.school_year(), await people.classes())


@routes.api("POST", "/api/v1/classes", who=ADMINS, takes=ClassSaid, answers=SchoolClass, status=201, summary="A new class")
async def add_class(request: web.Request) -> SchoolClass:
    return await _put_class(request, None)


@routes.api("PUT", "/api/v1/classes/{id}", who=ADMINS, takes=ClassSaid, answers=SchoolClass, summary="Change a class")
async def change_class(request: web.Request) -> SchoolClass:
    return await _put_class(request, request.match_info["id"])


async def _put_class(request: web.Request, class_id: str | None) -> SchoolClass:
    said = await read_body(request, ClassSaid)
    return await request.app[PEOPLE].put_class(
        class_id=class_id, name=said.name, grade=said.grade, homeroom_id=said.homeroom_id, room_ids=said.room_ids, by=me(request)
    )


@routes.api("GET", "/api/v1/classes/{id}/pupils", who=TEACHERS, answers=PupilList, summary="Pupils of one's own class")
async def pupils(request: web.Request) -> PupilList:
    people, key = request.app[PEOPLE], request.match_info["id"]
    one = await people.own_class(me(request), key)
    return PupilList(one, await people.pupils_of(key))


@routes.api("POST", "/api/v1/classes/{id}/slips", who=TEACHERS, answers=SlipList, summary="PINs for those who have none")
async def slips(request: web.Request) -> SlipList:
    people, key = request.app[PEOPLE], request.match_info["id"]
    await people.own_class(me(request), key)
    return SlipList(await people.slips.of_class(key, by=me(request)))


@routes.api("POST", "/api/v1/pupils/{id}/pin", who=TEACHERS, answers=Slip, summary="A new PIN for a pupil of one's own class")
async def new_pin(request: web.Request) -> Slip:
    return await request.app[PEOPLE].reset_pin(request.match_info["id"], by=me(request))


@routes.api("GET", "/api/v1/teachers", who=ADMINS, answers=TeacherList, summary="Teachers")
async def teachers(request: web.Request) -> TeacherList:
    return TeacherList(await request.app[PEOPLE].teachers())


@routes.api(
    "POST", "/api/v1/rosters", who=ADMINS, answers=ShownRoster, status=201, limit_bytes=LARGEST_FILE,
    summary="Read a roster file (the body, its name in ?name=, the year in ?year=) and say what it would change",
)  # fmt: skip
async def preview(request: web.Request) -> ShownRoster:
    year = request.query.get("year")
    if year is not None:
        proposed_for(year)
    name = request.query.get("name", "roster.csv")
    found = await request.app[PEOPLE].rosters.preview(name, await request.read(), by=me(request), school_year=year)
    return shown(found, request)


def shown(found: Preview, request: web.Request) -> ShownRoster:
    plan, say = found.plan, request.app[LANGUAGES].say
    steps = [(s.row.name, s.what, s.changes) for s in plan.pupils] + [(s.row.name, s.what, s.changes) for s in plan.teachers]
    return ShownRoster(
        id=found.id,
        mark=found.mark,
        school_year=plan.school_year,
        new=[name for name, what, _ in steps if what is What.NEW],
        changed={name: changes for name, what, changes in steps if what is What.CHANGED},
        same=plan.count(What.SAME),
        left=[name for name, what, _ in steps if what is What.LEFT],
        missing=plan.missing,
        remarks=[Remark(p.sheet, p.row, p.code, say(p.text, LOCALE.get()), not p.fatal) for p in plan.problems],
        ignored_columns=plan.ignored_columns,
    )


@routes.api("POST", "/api/v1/rosters/{id}/apply", who=ADMINS, takes=Confirmation, answers=Done, summary="Do what was shown")
async def apply(request: web.Request) -> Done:
    confirmed = await read_body(request, Confirmation)
    return await request.app[PEOPLE].rosters.apply(request.match_info["id"], confirmed.mark, by=me(request))
