"""The school's CA, tried with real TLS: dates far apart, names checked, revoked means out."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from tests.hub.fleet.test_enrolment import csr

from densach_core.clock import FixedClock
from densach_core.errors import BadInput
from densach_hub.fleet.authority import Authority


async def _shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """A TLS handshake in memory; the client's CN as the server sees it."""
    into_server, into_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = server.wrap_bio(into_server, into_client, server_side=True)
    other = client.wrap_bio(into_client, into_server, server_hostname=name)
    waiting = [other, one]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    shown = x509.load_der_x509_certificate(one.getpeercert(binary_form=True) or b"")
    return shown.subject.rfc4514_string().removeprefix("CN=")


@pytest.fixture
async def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "keys", FixedClock())
    await made.open()
    return made


def _server(authority: Authority, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority.ca_file)
    context.load_verify_locations(authority.revoked_file)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _client(authority: Authority, name: str) -> tuple[ssl.SSLContext, str]:
    certificate, key = await authority.client_certificate(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.ca_file)
    context.load_cert_chain(certificate, key)
    serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    return context, f"{serial:x}"


async def test_server_and_client_know_each_other_by_name(authority: Authority) -> None:
    certificate, key = await authority.server_certificate(("densach.lan", "192.168.1.2"))
    client, _ = await _client(authority, "pc-1")
    assert await _shake(_server(authority, certificate, key), client, "densach.lan") == "pc-1"
    assert await _shake(_server(authority, certificate, key), client, "192.168.1.2") == "pc-1"
    with pytest.raises(ssl.SSLCertVerificationError):
        await _shake(_server(authority, certificate, key), client, "other.lan")


async def test_a_revoked_certificate_is_out_and_the_others_are_not(authority: Authority) -> None:
    certificate, key = await authority.server_certificate(("densach.lan",))
    bad, serial = await _client(authority, "pc-bad")
    good, _ = await _client(authority, "pc-good")
    await authority.revoke(serial)
    await authority.revoke(serial)
    server = _server(authority, certificate, key)
    assert await _shake(server, good, "densach.lan") == "pc-good"
    with pytest.raises(ssl.SSLError, match="revoked"):
        await _shake(server, bad, "densach.lan")


async def test_dates_serve_machines_from_2009_and_2040(authority: Authority) -> None:
    signed, _ = await authority.sign(csr(), "pc-1")
    for pem in (signed, authority.ca_pem):
        certificate = x509.load_pem_x509_certificate(pem.encode())
        assert certificate.not_valid_before_utc.year == 2000
        assert certificate.not_valid_after_utc.year == 2099
    revoked = x509.load_pem_x509_crl(authority.revoked_file.read_bytes())
    assert revoked.next_update_utc is not None
    assert revoked.next_update_utc.year == 2099


async def test_keys_are_kept_and_for_the_owner_only(authority: Authority, tmp_path: Path) -> None:
    before = (authority.ca_pem, authority.user_key)
    again = Authority(tmp_path / "keys", FixedClock())
    await again.open()
    assert (again.ca_pem, again.user_key) == before
    await again.client_certificate("hub")
    for path in again.folder.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o644 if path.suffix == ".pem" else 0o600), path


async def test_the_server_certificate_is_made_anew_only_for_other_names(authority: Authority) -> None:
    first = (await authority.server_certificate(("a.lan", "b.lan")))[0].read_bytes()
    assert (await authority.server_certificate(("b.lan", "a.lan")))[0].read_bytes() == first
    assert (await authority.server_certificate(("c.lan",)))[0].read_bytes() != first


async def test_a_device_never_gets_the_hubs_name(authority: Authority) -> None:
    with pytest.raises(ValueError, match="hub"):
        await authority.sign(csr(), "hub")
    with pytest.raises(BadInput):
        await authority.sign("nonsense", "pc-1")
