"""How a simulated machine joins: a key of its own and `POST /api/v1/enrol`, as a real one does."""

import urllib.error
import urllib.request
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from densach_agent.link import Credentials, Line
from densach_demo.simulator.hardware import Hardware
from densach_wire.enrolment import EnrolAnswer, EnrolRequest
from densach_wire.messages import System

AGENT = "densach-simulator 1"
_TIMEOUT_S = 30


class Joined(msgspec.Struct, frozen=True):
    """What an admitted machine keeps beside its key and certificate."""

    school: str
    device: str
    host: str
    port: int
    tls: bool
    password: str | None = None


class NotAdmittedError(Exception):
    """The hub keeps the machine waiting or refuses it."""


def new_key(folder: Path) -> str:
    """Makes the machine's key; returns its certificate request (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    folder.mkdir(parents=True, exist_ok=True)
    plain = serialization.NoEncryption()
    path = folder / "key.pem"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "new")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def join(hub: str, token: str | None, hardware: Hardware, folder: Path, *, was: str | None = None) -> Line:
    """Enrols at `hub` (http://host:port) and keeps what it is told in `folder`; a second call reads it back.

    Raises NotAdmittedError (a machine without a token waits to be admitted), OSError when the hub is not there.
    """
    kept = folder / "joined.json"
    if not kept.exists():
        answer = ask(hub, request_of(hardware, new_key(folder), token, was))
        if answer.state != "admitted" or not answer.mqtt or answer.school is None or answer.device is None:
            raise NotAdmittedError(f"{hardware.hostname}: {answer.state} {answer.reason}")
        endpoint = answer.mqtt[0]
        host = endpoint.host or hub.partition("://")[2].rpartition(":")[0]
        if answer.certificate is not None and answer.ca is not None:
            (folder / "certificate.pem").write_text(answer.certificate, "ascii")
            (folder / "ca.pem").write_text(answer.ca, "ascii")
        joined = Joined(answer.school, answer.device, host, endpoint.port, endpoint.tls, answer.password)
        kept.write_bytes(msgspec.json.encode(joined))
    return line_of(folder)


def line_of(folder: Path) -> Line:
    joined = msgspec.json.decode((folder / "joined.json").read_bytes(), type=Joined)
    credentials = Credentials(password=joined.password)
    if joined.tls:
        credentials = Credentials(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    return Line(joined.host, joined.port, joined.school, joined.device, credentials)


def request_of(hardware: Hardware, csr_pem: str, token: str | None, was: str | None = None) -> EnrolRequest:
    model = hardware.model
    return EnrolRequest(
        hostname=hardware.hostname,
        fingerprint=hardware.factors(),
        csr_pem=csr_pem,
        agent=AGENT,
        os=System("linux", *model.os, arch="x86_64"),
        maker=model.maker,
        model=model.name,
        token=token,
        was=was,
        simulated=True,
    )


def ask(hub: str, request: EnrolRequest) -> EnrolAnswer:
    """One request. Raises OSError, NotAdmittedError when the hub says no in HTTP."""
    call = urllib.request.Request(  # noqa: S310 - the hub of this demonstration
        f"{hub}/api/v1/enrol",
        data=msgspec.json.encode(request),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(call, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(), type=EnrolAnswer)
    except urllib.error.HTTPError as error:
        raise NotAdmittedError(f"{request.hostname}: {error.code} {error.read(500).decode('utf-8', 'replace')}") from error
