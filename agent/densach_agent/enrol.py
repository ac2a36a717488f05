"""Joining a school: one attempt, started by a person (`densach agent enrol`) or, again and again, by an agent that is
not admitted yet (`python -m densach_agent.enrol DATA ROOT`), in a process that ends.
"""

import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from densach_agent import __version__
from densach_agent.clock import SystemClock
from densach_agent.collectors.operating_system import system_facts
from densach_agent.collectors.system import DMI
from densach_agent.enrol_codes import ADMITTED, FAILED, REFUSED, WAITING
from densach_agent.facts import current
from densach_agent.identity import fingerprint
from densach_agent.junk import kept
from densach_agent.link import tls_context
from densach_agent.machine import Machine, system_runner
from densach_agent.membership import Enrolled, Joining, Membership
from densach_agent.settings import BadSettings, load
from densach_agent.words import say
from densach_wire.codec import decode
from densach_wire.enrolment import EnrolAnswer, EnrolRequest, ca_digest, parse_token
from densach_wire.errors import WireError
from densach_wire.topics import is_device_id, is_school_id

log = logging.getLogger(__name__)


class EnrolProblem(Exception):
    """It did not work; the message says why and what to do."""


class Attempt(Struct, frozen=True):
    """How one attempt ended. `retry_s` matters while waiting."""

    state: str
    device: str = ""
    reason: str = ""
    retry_s: int = 30


def attempt(
    folder: Path,
    hub: str,
    token: str | None,
    machine: Machine,
    *,
    simulated: bool = False,
    ca: Path | None = None,
    csr: Callable[[Path], str] | None = None,
) -> Attempt:
    """Asks once. Admitted, the folder holds what the agent needs. `csr` makes key and request (default: in a process that
    ends, `cryptography` is large). Raises EnrolProblem."""
    folder.mkdir(parents=True, exist_ok=True)
    member = Membership(folder)
    if (enrolled := member.enrolled()) is not None:
        return Attempt("admitted", enrolled.device)
    pinned = _pinned(token)
    joining = member.joining()
    factors = fingerprint(machine)
    request = EnrolRequest(
        hostname=machine.open_text("proc/sys/kernel/hostname") or socket.gethostname(),
        fingerprint=factors,
        csr_pem=(csr or _certificate_request)(member.key),
        agent=f"densach-agent {__version__}",
        os=system_facts(machine),
        maker=kept(machine.open_text(f"{DMI}/sys_vendor")) or "",
        model=kept(machine.open_text(f"{DMI}/product_name")) or "",
        token=token,
        ticket=joining.ticket if joining is not None and joining.hub == hub and token is None else None,
        was=member.was(),
        simulated=simulated,
    )
    answer = _post(hub.rstrip("/") + "/api/v1/enrol", request, ca)
    if answer.state == "refused":
        member.stop_joining()
        return Attempt("refused", reason=answer.reason)
    if answer.state == "waiting":
        if answer.ticket is not None:
            member.wait_to_join(Joining(hub, answer.ticket))
        return Attempt("waiting", reason=answer.reason, retry_s=answer.retry_s)
    _check(answer, pinned)
    enrolled = Enrolled(
        school=answer.school or "",
        device=answer.device or "",
        hub=hub,
        mqtt=answer.mqtt,
        fingerprint=factors,
        password=answer.password,
        user_key=answer.user_key,
    )
    member.enter(enrolled, answer.certificate, answer.ca)
    _try_certificate(member, answer)
    return Attempt("admitted", enrolled.device)


def _pinned(token: str | None) -> str | None:
    if token is None:
        return None
    try:
        return parse_token(token).ca_digest
    except WireError as error:
        raise EnrolProblem(say("the token cannot be used: {why}; copy it again from the hub's page /join", why=error)) from None


def _check(answer: EnrolAnswer, pinned: str | None) -> None:
    """Nothing is written before the answer is whole and comes from the hub that the token was made by."""
    if not is_school_id(answer.school or "") or not is_device_id(answer.device or "") or not answer.mqtt:
        raise EnrolProblem(say("the hub's answer is not complete; is it a newer version than this agent?"))
    if any(endpoint.tls for endpoint in answer.mqtt) and (answer.certificate is None or answer.ca is None):
        raise EnrolProblem(say("the hub sent no certificate although its broker asks for one"))
    if pinned is not None and answer.ca is not None:
        try:
            found = ca_digest(answer.ca)
        except WireError as error:
            raise EnrolProblem(say("the hub's certificate cannot be read: {why}", why=error)) from None
        if found != pinned:
            raise EnrolProblem(
                say("this is not the hub that the token was made by (its certificate is another one): check the address")
            )


def _try_certificate(member: Membership, answer: EnrolAnswer) -> None:
    if answer.certificate is None:
        return
    line = member.lines(member.enrolled() or Enrolled(school="", device="", hub="", mqtt=answer.mqtt, fingerprint=()))
    try:
        for one in line:
            if one.tls:
                tls_context(one.credentials)
    except ssl.SSLError as error:
        (member.folder / "enrolled.json").unlink()
        raise EnrolProblem(say("the certificate does not fit the key ({why}): run the command again", why=error.reason)) from None


def _certificate_request(key: Path) -> str:
    folder = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))}
    done = subprocess.run(
        [sys.executable, "-m", "densach_agent.keys", str(key)], capture_output=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise EnrolProblem(say("no key could be made: {why}", why=done.stderr.decode("utf-8", "replace").strip()[-300:]))
    return done.stdout.decode("ascii")


def _post(url: str, request: EnrolRequest, ca: Path | None) -> EnrolAnswer:
    if not url.startswith(("http://", "https://")):
        raise EnrolProblem(say("not the address of a hub: {url} (http://… or https://…)", url=url))
    call = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, msgspec.json.encode(request), {"Content-Type": "application/json", "Accept": "application/json"}
    )
    context = None
    if url.startswith("https://") and ca is not None:
        from densach_agent.link import Credentials

        context = tls_context(Credentials(ca))
    try:
        with urllib.request.urlopen(call, timeout=30, context=context) as answer:  # noqa: S310
            return decode(answer.read(65536), EnrolAnswer)
    except urllib.error.HTTPError as error:
        with error:
            raise EnrolProblem(
                say("the hub answers {status}: {why}", status=error.code, why=_detail(error.read(65536)))
            ) from None
    except (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise EnrolProblem(say("no hub at {url}: {why}", url=url, why=getattr(error, "reason", error))) from None
    except WireError as error:
        raise EnrolProblem(say("what answers at {url} is no hub: {why}", url=url, why=error)) from None


def _detail(body: bytes) -> str:
    """What a problem+json says, else its beginning."""
    try:
        found = json.loads(body)
        return str(found.get("detail") or found.get("title") or found)
    except (ValueError, AttributeError):
        return body[:200].decode("utf-8", "replace")


def main(folder: Path, root: Path) -> int:
    """For the agent: reads hub and token from the folder (`join-token`, once, if somebody put it there)."""
    try:
        settings = load(folder)
        token_file = folder / "join-token"
        token = token_file.read_text("ascii").strip() if token_file.exists() else None
        made = attempt(
            folder,
            settings.hub,
            token,
            Machine(root, system_runner, facts=current(SystemClock().boot) if str(root) == "/" else None),
            simulated=settings.simulated,
        )
    except (EnrolProblem, BadSettings) as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    sys.stdout.write(f"{made.reason}\n")
    if made.state == "admitted":
        token_file.unlink(missing_ok=True)
    return {"admitted": ADMITTED, "waiting": WAITING}.get(made.state, REFUSED)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
