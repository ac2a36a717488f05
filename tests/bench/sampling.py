"""Whether a library finds anything at all, before it is timed: an answer without hits is a quick one."""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence

from tests.bench.peers.served import NotStartedError, Served
from tests.bench.visiting import HEADERS, PATIENCE_S

SAMPLE = 50
NONSENSE = "zqxjkvwq"
"""Is in no record: who has hits for it does not show what was found."""


def hits(served: Served, questions: Sequence[str]) -> int:
    """Of how many of SAMPLE questions, spread over all, the answer shows an item; every tenth item is opened, too. Raises
    NotStartedError when it is no library that could be timed: no hits, hits for nonsense, a page that does not come."""
    if _has_hit(served, NONSENSE):
        raise NotStartedError(f"{served.name} shows items for what is in none of them: its hits cannot be told")
    some = questions[:: max(1, len(questions) // SAMPLE)][:SAMPLE]
    found = sum(_has_hit(served, question) for question in some)
    if not found:
        raise NotStartedError(f"{served.name} found nothing for any of {len(some)} questions")
    for path in served.pages[:: max(1, len(served.pages) // 10)][:10]:
        status, body = _get(served.url + path)
        if status != 200 or not body:
            raise NotStartedError(f"{served.name}: {path} answers {status} with {len(body)} letters")
    return found


def _has_hit(served: Served, question: str) -> bool:
    status, body = _get(served.url + served.search.format(urllib.parse.quote(question)))
    return status == 200 and re.search(served.hit, body) is not None


def _get(address: str) -> tuple[int, str]:
    asked = urllib.request.Request(address, headers=HEADERS | {"Accept-Encoding": "identity"})
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return int(answer.status) if answer.geturl() == address else 302, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        raise NotStartedError(f"{address} does not answer: {error}") from error
