"""Carries out what a plan says, in one transaction of school.db: all of the file or nothing of it."""

import secrets
from sqlite3 import Connection

import msgspec

from densach_core.accounts import store as account_store
from densach_core.accounts.model import Account, Role
from densach_hub.people import store
from densach_hub.people.model import Pupil, SchoolClass, Teacher
from densach_hub.people.names import free, teacher_login, temporary_code
from densach_hub.people.plan import Plan, PupilStep, TeacherStep, What, homeroom_fits
from densach_hub.people.roster import class_key


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """`touched` are the accounts whose remembered sessions must be forgotten."""

    new: int
    changed: int
    left: int
    touched: tuple[str, ...]


def carry_out(c: Connection, plan: Plan, *, at: int) -> Done:
    """Writes classes, pupils, teachers and their accounts. PINs are not made here: they are made when slips are printed."""
    classes = _put_classes(c, plan)
    touched: list[str] = []
    for teacher_step in plan.teachers:
        _put_teacher(c, teacher_step, classes, at=at, touched=touched)
    _put_homerooms(c, plan, classes)
    for pupil_step in plan.pupils:
        _put_pupil(c, pupil_step, plan.school_year, classes, at=at, touched=touched)
    return Done(new=plan.count(What.NEW), changed=plan.count(What.CHANGED), left=plan.count(What.LEFT), touched=tuple(touched))


def _put_classes(c: Connection, plan: Plan) -> dict[str, SchoolClass]:
    known = {class_key(one.name): one for one in store.classes(c, plan.school_year)}
    for step in plan.classes:
        if step.what is What.SAME:
            continue
        key = class_key(step.name)
        before = known.get(key)
        one = SchoolClass(
            id=before.id if before else secrets.token_hex(6),
            school_year=plan.school_year,
            name=step.name,
            grade=step.grade,
            level=step.level,
            homeroom_id=before.homeroom_id if before else None,
        )
        store.put_class(c, one)
        known[key] = one
    return known


def _put_homerooms(c: Connection, plan: Plan, classes: dict[str, SchoolClass]) -> None:
    """Class lists name the homeroom teacher in words; nobody is invented when no teacher of that name is known."""
    teachers = store.teachers(c, plan.school_year)
    for step in plan.classes:
        if step.homeroom is None:
            continue
        fitting = [x for x in teachers if x.left_at is None and homeroom_fits(x, step.homeroom)]
        if len(fitting) == 1:
            store.set_homeroom(c, classes[class_key(step.name)].id, fitting[0].id)


def _put_pupil(
    c: Connection, step: PupilStep, school_year: str, classes: dict[str, SchoolClass], *, at: int, touched: list[str]
) -> None:
    if step.what is What.SAME:
        return
    row, before = step.row, step.before
    if step.what is What.LEFT and before is not None:
        store.set_left(c, before.id, at)
        account_store.set_closed(c, before.id, at)
        account_store.end_sessions(c, before.id)
        touched.append(before.id)
        return
    school_class = classes[class_key(row.class_name)]
    if before is None:
        temporary = None if row.code else temporary_code(secrets.randbelow, lambda code: account_store.login_taken(c, code))
        pupil = Pupil(
            id=secrets.token_hex(8), name=row.name, code=row.code, temporary=temporary, birth_date=row.birth_date, sex=row.sex
        )
        store.add_pupil(c, pupil, at=at, has_personal_id=row.has_personal_id)
        add_pupil_account(c, pupil, school_class, at=at)
    else:
        code = row.code if row.code is not None and row.code != before.temporary else before.code
        pupil = msgspec.structs.replace(
            before,
            name=row.name,
            code=code,
            birth_date=row.birth_date or before.birth_date,
            sex=row.sex or before.sex,
            left_at=None,
        )
        store.change_pupil(c, pupil, has_personal_id=row.has_personal_id)
        follow_pupil(c, before, pupil, school_class)
        touched.append(pupil.id)
    store.set_place(c, pupil.id, school_year, school_class.id)


def add_pupil_account(c: Connection, pupil: Pupil, school_class: SchoolClass, *, at: int) -> None:
    """An account without a PIN yet: that comes with the slip."""
    account_store.add_account(
        c,
        Account(
            id=pupil.id,
            login=free(pupil.login, lambda login: account_store.login_taken(c, login)),
            name=pupil.name,
            roles=frozenset({Role.STUDENT}),
            class_id=school_class.id,
        ),
        at=at,
        secret=None,
        secret_long=True,
    )


def follow_pupil(c: Connection, before: Pupil, pupil: Pupil, school_class: SchoolClass) -> None:
    """The account keeps step: its name, its class, and the log-in name when the real code arrives."""
    account = account_store.account(c, pupil.id)
    if account is None:
        return
    login = account.login
    if pupil.login != before.login:
        login = free(pupil.login, lambda wanted: account_store.login_taken(c, wanted))
    account_store.change_account(c, pupil.id, login=login, name=pupil.name, roles=account.roles, class_id=school_class.id)
    if before.left_at is not None:
        account_store.set_closed(c, pupil.id, None)


def _put_teacher(c: Connection, step: TeacherStep, classes: dict[str, SchoolClass], *, at: int, touched: list[str]) -> None:
    row, before = step.row, step.before
    if step.what is What.SAME:
        return
    if step.what is What.LEFT and before is not None:
        store.set_left(c, before.id, at)
        account_store.set_closed(c, before.id, at)
        account_store.end_sessions(c, before.id)
        touched.append(before.id)
        return
    if before is None:
        teacher = Teacher(
            id=secrets.token_hex(8), name=row.name, code=row.code, birth_date=row.birth_date, sex=row.sex, subject=row.subject
        )
        store.add_teacher(c, teacher, at=at)
        login = teacher_login(row.name, lambda wanted: account_store.login_taken(c, wanted))
        account_store.add_account(
            c,
            Account(id=teacher.id, login=login, name=teacher.name, roles=frozenset({Role.TEACHER}), must_change=True),
            at=at,
            secret=None,
            secret_long=True,
        )
    else:
        teacher = msgspec.structs.replace(
            before,
            name=row.name,
            code=row.code or before.code,
            birth_date=row.birth_date or before.birth_date,
            sex=row.sex or before.sex,
            subject=row.subject or before.subject,
            left_at=None,
        )
        store.change_teacher(c, teacher)
        account = account_store.account(c, teacher.id)
        if account is not None:
            account_store.change_account(
                c, teacher.id, login=account.login, name=teacher.name, roles=account.roles, class_id=account.class_id
            )
            if before.left_at is not None:
                account_store.set_closed(c, teacher.id, None)
        touched.append(teacher.id)
    for name in row.homeroom_of:
        if (school_class := classes.get(class_key(name))) is not None:
            store.set_homeroom(c, school_class.id, teacher.id)
