"""Names of roles and of what the audit log notes, in the reader's language."""

from densach_core.accounts.model import Role
from densach_core.text import Text, t

ROLES: dict[Role, Text] = {
    Role.STUDENT: t("Pupil"),
    Role.TEACHER: t("Teacher"),
    Role.LIBRARIAN: t("Librarian"),
    Role.TECHNICIAN: t("Technician"),
    Role.PRINCIPAL: t("Principal"),
    Role.OFFICE: t("Education officer"),
    Role.ADMIN: t("Administrator"),
}

ROLE_HINTS: dict[Role, Text] = {
    Role.STUDENT: t("reads and borrows in the library"),
    Role.TEACHER: t("sees the own classes, resets their pupils' PINs"),
    Role.LIBRARIAN: t("catalogue, loans, uploads"),
    Role.TECHNICIAN: t("computer rooms, studio, machines"),
    Role.PRINCIPAL: t("confirms reports"),
    Role.OFFICE: t("sees the schools below"),
    Role.ADMIN: t("everything, with accounts and set-up"),
}

DONE: dict[str, Text] = {
    "accounts.added": t("added an account"),
    "accounts.changed": t("changed an account"),
    "accounts.closed": t("closed an account"),
    "accounts.reopened": t("opened an account again"),
    "accounts.logged-in": t("signed in"),
    "accounts.locked": t("locked an account after wrong tries"),
    "accounts.unlocked": t("unlocked an account"),
    "accounts.secret-reset": t("reset a password or PIN"),
    "accounts.secret-changed": t("changed the own password or PIN"),
    "accounts.sessions-ended": t("ended sessions"),
    "accounts.second-factor-on": t("switched the second factor on"),
    "accounts.second-factor-off": t("switched the second factor off"),
    "accounts.recovery-code-used": t("used a recovery code"),
    "accounts.token-created": t("created an API token"),
    "accounts.token-revoked": t("revoked an API token"),
    "people.profile-changed": t("changed the school's profile"),
    "people.calendar-changed": t("changed the school-year calendar"),
    "people.calendar-removed": t("removed a school-year calendar"),
    "people.roster-imported": t("imported a roster"),
    "people.class-changed": t("changed a class"),
    "people.slips-made": t("made log-in slips"),
    "people.pupil-added": t("added a pupil"),
    "people.pupil-changed": t("changed a pupil"),
    "people.pupil-left": t("noted that a pupil left"),
    "people.teacher-left": t("noted that a teacher left"),
    "setup.finished": t("set the hub up"),
    "setup.clock-set": t("set the hub's clock"),
    "setup.room-added": t("added a room"),
}
"""Codes of the audit log that have a sentence; other rooms' codes are shown as they are."""
