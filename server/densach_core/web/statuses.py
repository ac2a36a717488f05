"""Which HTTP status a problem is answered with: the only place that knows (the rooms' errors carry none)."""

from densach_core.errors import (
    BadInput,
    Conflict,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    TooLarge,
    TooMany,
    Unavailable,
)

BY_KIND: dict[type[Problem], int] = {
    BadInput: 422,
    NotFound: 404,
    NotSignedIn: 401,
    NotAllowed: 403,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    Unavailable: 503,
}
BY_CODE = {"setup.code-needed": 401, "request.method": 405}
"""Problems of the web alone, which no kind fits."""


def status_of(problem: Problem | None) -> int:
    """200 where nothing is wrong; 500 for a problem of no known kind."""
    if problem is None:
        return 200
    if problem.code in BY_CODE:
        return BY_CODE[problem.code]
    return next((BY_KIND[kind] for kind in type(problem).__mro__ if kind in BY_KIND), 500)
