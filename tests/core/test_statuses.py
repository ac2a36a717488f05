"""Every kind of problem has its HTTP status in the web's table, and nowhere else."""

from densach_core import errors
from densach_core.errors import Conflict, Problem
from densach_core.text import t
from densach_core.web.statuses import BY_KIND, status_of

KINDS = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Problem)} - {Problem}


def test_the_table_has_every_kind_and_the_kinds_know_no_http() -> None:
    assert set(BY_KIND) == KINDS
    assert not [kind for kind in KINDS if hasattr(kind, "status")]


def test_the_status_of_a_problem() -> None:
    class Special(Conflict):
        pass

    assert status_of(None) == 200
    assert status_of(Special("x", t("x"))) == 409
    assert status_of(Problem("x", t("x"))) == 500
    assert status_of(Problem("request.method", t("x"))) == 405
