"""Makes the demonstration's school and office in their data folders, through the services the set-up pages use."""

import msgspec

from densach_core.accounts.model import Role
from densach_core.clock import day_of
from densach_demo import roster
from densach_demo.content.documents import legal_documents
from densach_demo.content.shelf import Piece
from densach_demo.notes import LogIn, Ports, new_password
from densach_hub.fleet.model import RoomKind
from densach_hub.library.model import Creator, Record
from densach_hub.opening import Rooms
from densach_hub.people.calendar import proposed
from densach_hub.people.model import Campus, Level, SchoolCode, SchoolProfile
from densach_hub.people.service import People
from densach_office.app import Office
from densach_office.profile import OfficeProfile, Unit
from densach_office.schools.model import ChildKind

BY = "demo"
SCHOOL_CODE = "79000DEMO"
SCHOOL_NAME = "Trường THCS và THPT Ánh Sáng (dùng thử)"
SEATS = 24
_STAFF = (
    ("Nhân viên thư viện", "thuvien", Role.LIBRARIAN, "/desk"),
    ("Nhân viên CNTT", "kythuat", Role.TECHNICIAN, "/lab"),
    ("Hiệu trưởng", "hieutruong", Role.PRINCIPAL, "/reports"),
    ("Quản trị", "quantri", Role.ADMIN, "/lab"),
)


class Made(msgspec.Struct, frozen=True):
    """What came out: who may sign in, the supervisor's token, and the rooms with how many machines each gets."""

    log_ins: tuple[LogIn, ...]
    token: str
    rooms: tuple[tuple[str, int], ...]


async def make_school(rooms: Rooms, people: People, *, machines: int) -> Made:
    """Profile, calendar, rooms, classes, pupils, teachers, accounts."""
    today = day_of(rooms.clock.now_ms())
    await people.set_profile(
        SchoolProfile(
            name=SCHOOL_NAME,
            codes=(SchoolCode(code=SCHOOL_CODE),),
            levels=(Level.THCS, Level.THPT),
            commune="Xã Ánh Sáng",
            campuses=(Campus(id="chinh", name="Điểm trường chính"),),
        ),
        by=BY,
    )
    await people.set_calendar(proposed(today), by=BY)
    labs = await make_rooms(rooms, machines)
    pupil, teacher = await make_people(rooms, people, labs)
    log_ins = [await _staff(rooms, *who) for who in _STAFF]
    _, token = await rooms.accounts.create_token(name="demo", roles=frozenset({Role.ADMIN, Role.TECHNICIAN}), by=BY)
    return Made((pupil, teacher, *log_ins), token, labs)


async def make_rooms(rooms: Rooms, machines: int) -> tuple[tuple[str, int], ...]:
    """As many computer rooms as the machines need, and a studio with the last of them."""
    count = max(1, -(-machines // SEATS))
    share = -(-machines // count)
    labs: list[tuple[str, int]] = []
    left = machines
    for number in range(1, count + 1):
        levels = ("THCS", "THPT") if count == 1 else ("THPT",) if number % 2 == 0 else ("THCS",)
        room = await rooms.fleet.rooms.new(f"Phòng máy {number}", by=BY, seats=SEATS, columns=6, levels=levels)
        labs.append((room.id, min(share, left)))
        left -= labs[-1][1]
    studio = await rooms.fleet.rooms.new("Phòng studio", by=BY, kind=RoomKind.STUDIO, seats=4, columns=4)
    if labs[-1][1] > 1:
        labs[-1] = (labs[-1][0], labs[-1][1] - 1)
        labs.append((studio.id, 1))
    return tuple(labs)


async def make_people(rooms: Rooms, people: People, labs: tuple[tuple[str, int], ...]) -> tuple[LogIn, LogIn]:
    """Everybody by the import a school would use; returns the log-ins of a pupil and of their homeroom teacher."""
    year = int((await people.school_year()).partition("-")[0])
    for name, text in (("giao-vien.csv", roster.teachers_csv()), ("hoc-sinh.csv", roster.pupils_csv(year))):
        preview = await people.rosters.preview(name, text.encode(), by=BY)
        await people.rosters.apply(preview.id, preview.mark, by=BY)
    classes = await people.classes()
    for one in classes:
        room = labs[1 if one.level is Level.THPT and len(labs) > 2 else 0][0]
        await people.put_class(
            name=one.name, grade=one.grade, by=BY, class_id=one.id, homeroom_id=one.homeroom_id, room_ids=(room,)
        )
    pupil = (await people.pupils_of(classes[0].id))[0]
    pin = await rooms.accounts.reset(pupil.id, by=BY)
    teacher = next(one for one in await people.teachers() if classes[0].name in one.homeroom_of)
    return (
        LogIn(f"Học sinh {pupil.name} ({classes[0].name})", pupil.login, pin, "/"),
        await _teacher(rooms, teacher.id, classes[0].name),
    )


async def _teacher(rooms: Rooms, teacher_id: str, class_name: str) -> LogIn:
    """A password of their own, as after the first log-in: the demonstration's list shall open the classes at once."""
    first, secret = await rooms.accounts.reset(teacher_id, by=BY), new_password()
    account = await rooms.accounts.get(teacher_id)
    await rooms.accounts.change_secret(account, first, secret, cookie="", address=None)
    return LogIn(f"Giáo viên {account.name} ({class_name})", account.login, secret, "/classes")


async def _staff(rooms: Rooms, who: str, login: str, role: Role, page: str) -> LogIn:
    secret = new_password()
    await rooms.accounts.add(login=login, name=who, roles=frozenset({role}), by=BY, secret=secret)
    return LogIn(who, login, secret, page)


async def fill_library(rooms: Rooms, pieces: list[Piece]) -> None:
    """The shelf's files (read once the hub runs) and the catalogue of the 22 documents."""
    for document in legal_documents():
        record = Record(
            title=document.full_title,
            key=f"4771:{document.number}",
            creators=(Creator(document.issuer),),
            description=document.description,
            subject="nghiep-vu",
            topics=("Văn bản pháp quy",),
            published=str(document.date.year),
            language="vi",
            identifiers=(document.number,),
            source="4771/BGDĐT-CNTT",
        )
        await rooms.library.add_record(record, by=BY)
    for piece in pieces:
        grades = piece.grades or (None,)
        known = Record(
            title=piece.title,
            subject=piece.subject,
            language=piece.language,
            description=piece.description or None,
            creators=(Creator("Đèn Sách"),),
            grade_from=grades[0],
            grade_to=grades[-1],
        )
        await rooms.library.add_file(piece.path, by=BY, known=known)


async def make_office(office: Office) -> tuple[LogIn, str]:
    """A commune below its department, one officer; returns the log-in and the code that pairs the school."""
    await office.profile.put(OfficeProfile(id="xa-anh-sang", name="UBND xã Ánh Sáng (dùng thử)"), by=BY)
    await office.tree.put(Unit(id="so", name="Sở Giáo dục và Đào tạo"), by=BY)
    await office.tree.put(Unit(id="xa", name="Xã Ánh Sáng", parents=("so",)), by=BY)
    secret = new_password()
    roles = frozenset({Role.ADMIN, Role.OFFICE})
    await office.accounts.add(login="canbo", name="Cán bộ phụ trách", roles=roles, by=BY, secret=secret)
    code = await office.pairing.issue(code=SCHOOL_CODE, name=SCHOOL_NAME, kind=ChildKind.SCHOOL, by=BY)
    await office.tree.place(SCHOOL_CODE, ("xa",), by=BY)
    return LogIn("Cán bộ cơ quan quản lý", "canbo", secret, "/"), code


def hub_toml(ports: Ports) -> str:
    """The hub's settings: everything on the demonstration's own ports."""
    bind = "127.0.0.1" if ports.host == "127.0.0.1" else ""
    return (
        f'[web]\nhttp = "{ports.host}:{ports.http}"\npackages = "{ports.host}:{ports.packages}"\n\n'
        f'[mqtt]\nurl = "embedded:{ports.devices}"\nequipment_port = {ports.equipment}\nbind = "{bind}"\n'
    )


def office_toml(ports: Ports) -> str:
    return f'[web]\nhttp = "{ports.host}:{ports.office}"\n'
