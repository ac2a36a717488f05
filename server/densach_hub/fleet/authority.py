"""The school's own certificate authority: devices prove who they are with what it signed."""

import asyncio
import ipaddress
import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from densach_core.clock import Clock
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.whole_file import write_whole
from densach_wire.topics import is_device_id

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2099, 12, 31, tzinfo=UTC)
"""Machines with dead clock batteries boot in 2009 and come back in 2040: a device is cut off by revocation."""
MOST_CSR = 16_384


class Authority:
    """EC P-256 keys in a folder only the hub reads. Dates lie far apart on purpose, see BEGIN and END."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    @property
    def ca_file(self) -> Path:
        """The CA certificate, PEM: what brokers and agents trust."""
        return self.folder / "ca.pem"

    @property
    def revoked_file(self) -> Path:
        """The revocation list, PEM, for the broker's `crlfile`."""
        return self.folder / "revoked.pem"

    async def open(self) -> None:
        """Makes what is missing: CA, empty revocation list, key of user digests."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._make_missing)

    @property
    def ca_pem(self) -> str:
        return self.ca_file.read_text("ascii")

    @property
    def user_key(self) -> str:
        """Hex; the key of this school's user digests."""
        return (self.folder / "user.key").read_text("ascii").strip()

    async def server_certificate(self, names: tuple[str, ...]) -> tuple[Path, Path]:
        """(certificate, key) files for broker and hub, good for these host names and addresses; made anew when the
        names change."""
        return await self._named("server", "hub", tuple(sorted(set(names))), ExtendedKeyUsageOID.SERVER_AUTH)

    async def client_certificate(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) for one of our own clients, e.g. the hub at its broker (CN = `name`)."""
        return await self._named(f"client-{name}", name, (), ExtendedKeyUsageOID.CLIENT_AUTH)

    async def sign(self, csr_pem: str, device: str) -> tuple[str, str]:
        """(certificate PEM, serial hex): only the public key is taken from the request, CN is the device's id.
        Raises BadInput("fleet.bad-csr")."""
        return await asyncio.to_thread(self._sign_csr, csr_pem, device)

    async def revoke(self, serial: str) -> None:
        """Adds a certificate to the list and writes the list again; the broker has to be told to read it."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._revoke, int(serial, 16))

    def _make_missing(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.folder / "user.key").exists():
            write_secret(self.folder / "user.key", secrets.token_hex(32).encode() + b"\n")
        if not self.ca_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Đèn Sách {secrets.token_hex(4)}")])
            certificate = (
                _builder(name, name, key.public_key())
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(ca=True), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .sign(key, hashes.SHA256())
            )
            # The key first: a certificate without its key would look like a finished CA after a power cut.
            write_secret(self.folder / "ca.key", _key_pem(key))
            write_public(self.ca_file, certificate.public_bytes(serialization.Encoding.PEM))
        if not self.revoked_file.exists():
            self._write_list([])

    def _ca(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
        return x509.load_pem_x509_certificate(self.ca_file.read_bytes()), key

    async def _named(self, file: str, name: str, hosts: tuple[str, ...], purpose: x509.ObjectIdentifier) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        async with self._one_at_a_time:
            if not key.exists() or not certificate.exists() or _hosts_of(certificate) != set(hosts):
                await asyncio.to_thread(self._make_named, certificate, key, name, hosts, purpose)
        return certificate, key

    def _make_named(
        self, certificate: Path, key_file: Path, name: str, hosts: tuple[str, ...], purpose: x509.ObjectIdentifier
    ) -> None:
        ca, ca_key = self._ca()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _for_end(_builder(subject, ca.subject, key.public_key()), ca, purpose)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(h) for h in hosts]), critical=False)
        signed = builder.sign(ca_key, hashes.SHA256())
        write_secret(key_file, _key_pem(key))
        write_public(certificate, signed.public_bytes(serialization.Encoding.PEM))

    def _sign_csr(self, csr_pem: str, device: str) -> tuple[str, str]:
        key = public_key_of(csr_pem)
        if not is_device_id(device):
            raise ValueError(device)
        ca, ca_key = self._ca()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
        signed = _for_end(_builder(subject, ca.subject, key), ca, ExtendedKeyUsageOID.CLIENT_AUTH).sign(ca_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode("ascii"), f"{signed.serial_number:x}"

    def _revoke(self, serial: int) -> None:
        known = x509.load_pem_x509_crl(self.revoked_file.read_bytes())
        serials = [entry.serial_number for entry in known]
        if serial not in serials:
            self._write_list([*serials, serial])

    def _write_list(self, serials: list[int]) -> None:
        ca, key = self._ca()
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(BEGIN).next_update(END)
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(BEGIN).build()
            builder = builder.add_revoked_certificate(one)
        signed = builder.sign(key, hashes.SHA256())
        write_public(self.revoked_file, signed.public_bytes(serialization.Encoding.PEM))


def public_key_of(csr_pem: str) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """The key of a certificate request whose own signature holds (so that the asker has the private part).

    Raises BadInput("fleet.bad-csr"): no request, a broken one, or a key too weak to trust.
    """
    what, do = t("The certificate request cannot be used."), t("Start the enrolment again.")
    bad = BadInput("fleet.bad-csr", what, do, field="csr_pem")
    if len(csr_pem) > MOST_CSR:
        raise bad
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode("ascii"))
        key = request.public_key()
        if not request.is_signature_valid:
            raise bad
    except (ValueError, TypeError) as error:
        raise bad from error
    except Exception as error:
        if type(error).__module__.startswith("cryptography"):
            raise bad from error
        raise
    strong_rsa = isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192
    if not (strong_rsa or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1"))):
        raise bad
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # noqa: S101 - for the type checker
    return key


def key_digest(csr_pem: str) -> str:
    """What tells one asker from another: the digest of the public key of its request."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        public_key_of(csr_pem).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return digest.finalize().hex()


def write_secret(path: Path, body: bytes) -> None:
    """Whole or not at all, readable by the owner only."""
    write_whole(path, body, 0o600)


def write_public(path: Path, body: bytes) -> None:
    write_whole(path, body)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
    )


def _for_end(builder: x509.CertificateBuilder, ca: x509.Certificate, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts_of(certificate: Path) -> set[str]:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
