"""What can be asked of and done with the school's people and its year, by intent."""

import secrets
from datetime import date
from sqlite3 import Connection

from aiohttp import web

from densach_core.accounts.audit import trace
from densach_core.accounts.classes import ClassChoice, PupilChoice
from densach_core.accounts.model import Account, Role
from densach_core.accounts.service import Accounts
from densach_core.clock import Clock, day_of
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.errors import BadInput, Conflict, NotAllowed, NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.people import calendar as rules
from densach_hub.people import store
from densach_hub.people.model import (
    Calendar,
    ClassPage,
    Completeness,
    Level,
    LevelCount,
    Pupil,
    SchoolClass,
    SchoolProfile,
    Teacher,
)
from densach_hub.people.names import shown_to_strangers
from densach_hub.people.pupils import Pupils
from densach_hub.people.roster import level_of, person_key
from densach_hub.people.rosters import Rosters
from densach_hub.people.slips import Slip, Slips


class People:
    """Profile and calendars are documents; classes, pupils and teachers are rows of `school`.

    `rosters` imports lists, `pupils` changes one at a time, `slips` gives out log-ins on paper.
    """

    def __init__(self, *, school: Database, documents: Documents, accounts: Accounts, clock: Clock, bus: Bus) -> None:
        self._db = school
        self._accounts = accounts
        accounts.birth_date_of = self.birth_date_of
        self._clock = clock
        self._bus = bus
        self._profile = documents.one("school", SchoolProfile, SchoolProfile())
        self._calendars = documents.many("calendars", Calendar)
        self.rosters = Rosters(school, clock, bus, accounts, self)
        self.pupils = Pupils(school, clock, bus, accounts, self)
        self.slips = Slips(school, clock, accounts, self)

    # --- the school and its year ------------------------------------------------------------------------------------

    async def profile(self) -> SchoolProfile:
        return await self._profile.get()

    async def profile_as_of(self, at_ms: int) -> SchoolProfile:
        return await self._profile.as_of(at_ms)

    async def set_profile(self, profile: SchoolProfile, *, by: Account | str) -> None:
        await self._profile.put(profile, by=_who(by))
        await self._note(by, "people.profile-changed", None)

    async def calendars(self) -> list[Calendar]:
        """Oldest first."""
        return sorted(await self._calendars.all(), key=lambda one: one.first)

    async def calendar(self, school_year: str) -> Calendar | None:
        return await self._calendars.get(school_year)

    async def set_calendar(self, calendar: Calendar, *, by: Account | str) -> None:
        """Raises BadInput("calendar.…")."""
        rules.check(calendar)
        await self._calendars.put(calendar, by=_who(by))
        await self._note(by, "people.calendar-changed", calendar.id)

    async def remove_calendar(self, school_year: str, *, by: Account | str) -> None:
        await self._calendars.remove(school_year, by=_who(by))
        await self._note(by, "people.calendar-removed", school_year)

    async def today(self) -> date:
        return day_of(self._clock.now_ms())

    async def is_school_day(self, day: date) -> bool | None:
        """None when no calendar covers the day."""
        calendars = await self._calendars.all()
        if rules.is_school_day_in(calendars, day):
            return True
        return False if rules.covers(calendars, day) else None

    async def last_school_days(self, n: int, before: date) -> list[date]:
        """The `n` newest school days before `before` (exclusive), newest first; empty without a calendar."""
        return rules.last_school_days(await self._calendars.all(), n, before)

    async def school_year(self, day: date | None = None) -> str:
        """The school year of a day (today): the calendar's word for it, or turning on 1 August without a calendar."""
        day = day or await self.today()
        found = rules.calendar_of(await self._calendars.all(), day)
        return found.id if found and day <= found.last else rules.school_year_of(day)

    # --- what measures ask ------------------------------------------------------------------------------------------

    async def levels(self, school_year: str | None = None) -> list[LevelCount] | None:
        """Pupils and classes per level; None without a roster for that year (unknown is never 0)."""
        year = school_year or await self.school_year()
        found = await self._db.read(lambda c: store.levels(c, year))
        return found if any(level.pupils for level in found) else None

    async def level(self, level: Level, school_year: str | None = None) -> LevelCount | None:
        return next((one for one in await self.levels(school_year) or [] if one.level is level), None)

    async def pupil_count(self, school_year: str | None = None) -> int | None:
        levels = await self.levels(school_year)
        return None if levels is None else sum(level.pupils for level in levels)

    async def teacher_count(self) -> int | None:
        """Teachers present; None when none was ever entered."""
        year = await self.school_year()
        found = [x for x in await self._db.read(lambda c: store.teachers(c, year)) if x.left_at is None]
        return len(found) or None

    async def completeness(self) -> Completeness | None:
        """What the roster of pupils still lacks; None without one."""
        found = await self._db.read(lambda c: store.completeness(c, "pupil"))
        return found if found.people else None

    async def taught_in(self, room_id: str, school_year: str | None = None) -> list[SchoolClass]:
        """The classes whose computer room this is."""
        return [one for one in await self.classes(school_year) if room_id in one.room_ids]

    # --- classes and people -----------------------------------------------------------------------------------------

    async def classes(self, school_year: str | None = None) -> list[SchoolClass]:
        """By grade and name."""
        year = school_year or await self.school_year()
        return await self._db.read(lambda c: store.classes(c, year))

    async def school_years(self) -> list[str]:
        return await self._db.read(store.school_years)

    async def school_class(self, class_id: str) -> SchoolClass:
        found = await self._db.read(lambda c: store.school_class(c, class_id))
        if found is None:
            raise NotFound("people.no-class", t("There is no such class."))
        return found

    async def teachers(self) -> list[Teacher]:
        year = await self.school_year()
        return await self._db.read(lambda c: store.teachers(c, year))

    async def teacher(self, teacher_id: str) -> Teacher:
        found = next((x for x in await self.teachers() if x.id == teacher_id), None)
        if found is None:
            raise NotFound("people.no-teacher", t("There is no such teacher."))
        return found

    async def pupil(self, pupil_id: str) -> Pupil:
        year = await self.school_year()
        found = await self._db.read(lambda c: store.pupil(c, pupil_id, year))
        if found is None:
            raise NotFound("people.no-pupil", t("There is no such pupil."))
        return found

    async def birth_date_of(self, person_id: str) -> date | None:
        """None when it is not known, or nobody here has this id."""
        return await self._db.read(lambda c: store.birth_date(c, person_id))

    async def find_pupils(self, words: str, *, limit: int = 100) -> list[Pupil]:
        year = await self.school_year()
        return await self._db.read(lambda c: store.find_pupils(c, year, words, limit))

    async def pupils_of(self, class_id: str) -> list[Pupil]:
        one = await self.school_class(class_id)
        return await self._db.read(lambda c: store.pupils_of_class(c, one))

    async def class_page(self, class_id: str) -> ClassPage:
        one = await self.school_class(class_id)
        pupils = await self._db.read(lambda c: store.pupils_of_class(c, one))
        states = {state.account.id: state for state in await self._accounts.of_class(class_id)}
        homeroom = next((x for x in await self.teachers() if x.id == one.homeroom_id), None)
        return ClassPage(school_class=one, homeroom=homeroom, pupils=[(p, states.get(p.id)) for p in pupils])

    async def put_class(
        self,
        *,
        name: str,
        grade: int,
        by: Account | str,
        class_id: str | None = None,
        homeroom_id: str | None = None,
        room_ids: tuple[str, ...] = (),
        school_year: str | None = None,
    ) -> SchoolClass:
        """A new class, or a changed one. Raises BadInput, Conflict("people.class-there")."""
        name = " ".join(name.split())
        if not name or len(name) > 30:
            raise BadInput("people.class-name", t("The name of the class is missing."), field="name")
        if not 1 <= grade <= 12:
            raise BadInput("people.grade", t("Grades go from 1 to 12."), field="grade")
        before = await self.school_class(class_id) if class_id else None
        year = before.school_year if before else school_year or await self.school_year()
        one = SchoolClass(
            id=before.id if before else secrets.token_hex(6),
            school_year=year,
            name=name,
            grade=grade,
            level=level_of(grade),
            homeroom_id=homeroom_id,
            room_ids=room_ids,
        )
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            alike = [x for x in store.classes(c, year) if person_key(x.name) == person_key(name) and x.id != one.id]
            if alike:
                raise Conflict("people.class-there", t("There is already a class {name}.", name=name), field="name")
            store.put_class(c, one)
            store.set_rooms(c, one.id, room_ids)
            mark.note(c, "people.class-changed", on=one.id, detail=name)

        await self._db.write(work)
        self._bus.say("people")
        return one

    # --- who may look after a class ---------------------------------------------------------------------------------

    def may_look_after(self, account: Account, school_class: SchoolClass) -> bool:
        """Its homeroom teacher, the principal and administrators."""
        if account.has(frozenset({Role.ADMIN, Role.PRINCIPAL})):
            return True
        return Role.TEACHER in account.roles and school_class.homeroom_id == account.id

    async def own_class(self, account: Account, class_id: str) -> SchoolClass:
        """The class, if `account` may look after it. Raises NotFound, NotAllowed("people.not-own-class")."""
        one = await self.school_class(class_id)
        if not self.may_look_after(account, one):
            raise NotAllowed(
                "people.not-own-class",
                t("This is not a class of yours."),
                t("Its homeroom teacher or the administrator can help."),
            )
        return one

    async def reset_pin(self, pupil_id: str, *, by: Account) -> Slip:
        """A new PIN for a pupil of one's own class. Raises NotAllowed for anybody else's."""
        pupil = await self._own_pupil(pupil_id, by)
        secret = await self._accounts.reset(pupil.id, by=by)
        account = await self._accounts.get(pupil.id)
        return Slip(name=pupil.name, login=account.login, secret=secret, class_name=pupil.class_name)

    async def unlock(self, pupil_id: str, *, by: Account) -> None:
        pupil = await self._own_pupil(pupil_id, by)
        await self._accounts.unlock(pupil.id, by=by)

    async def _own_pupil(self, pupil_id: str, by: Account) -> Pupil:
        pupil = await self.pupil(pupil_id)
        if pupil.class_id is None:
            if not by.has(frozenset({Role.ADMIN})):
                raise NotAllowed("people.not-own-class", t("This is not a class of yours."))
        else:
            await self.own_class(by, pupil.class_id)
        return pupil

    # --- the log-in page (ClassLists) -------------------------------------------------------------------------------

    async def log_in_classes(self) -> list[ClassChoice]:
        if not (await self.profile()).login_by_class:
            return []
        found = await self.classes()
        if not found and (years := await self.school_years()):
            found = await self.classes(years[0])  # August: the new roster is not in yet
        return [ClassChoice(id=one.id, name=one.name, grade=one.grade) for one in found if one.pupils]

    async def log_in_pupils(self, class_id: str) -> list[PupilChoice]:
        """Names only, short unless the school wants them whole; two that are called alike in a class are told apart by day
        and month of birth."""
        profile = await self.profile()
        if not profile.login_by_class:
            return []
        pupils = await self.pupils_of(class_id)
        names = [p.name for p in pupils]
        shown = names if profile.login_full_names else shown_to_strangers(names)
        keys = [person_key(name) for name in shown]
        return [
            PupilChoice(
                id=p.id,
                name=name,
                hint=p.birth_date.strftime("%d/%m") if p.birth_date and keys.count(person_key(name)) > 1 else None,
            )
            for p, name in zip(pupils, shown, strict=True)
        ]

    async def _note(self, by: Account | str, what: str, on: str | None) -> None:
        mark = trace(by, self._clock)
        await self._db.write(lambda c: mark.note(c, what, on=on))
        self._bus.say("people")


def _who(by: Account | str) -> str:
    return by.name if isinstance(by, Account) else by


PEOPLE = web.AppKey("people", People)
