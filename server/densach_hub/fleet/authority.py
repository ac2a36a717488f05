"""The school's own certificate authority: devices prove who they are with what it signed."""

from pathlib import Path

from densach_core.clock import Clock


class Authority:
    """EC P-256 keys in a folder only the hub reads. Dates lie far apart on purpose: machines with dead clock batteries
    boot in 2009 and come back in 2040; a device is cut off by revocation, never by expiry."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock

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
        raise NotImplementedError

    @property
    def ca_pem(self) -> str:
        raise NotImplementedError

    @property
    def user_key(self) -> str:
        """Hex; the key of this school's user digests."""
        raise NotImplementedError

    async def server_certificate(self, names: tuple[str, ...]) -> tuple[Path, Path]:
        """(certificate, key) files for broker and hub, good for these host names and addresses; made anew when the
        names change."""
        raise NotImplementedError

    async def client_certificate(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) for one of our own clients, e.g. the hub at its broker (CN = `name`)."""
        raise NotImplementedError

    async def sign(self, csr_pem: str, device: str) -> tuple[str, str]:
        """(certificate PEM, serial hex): only the public key is taken from the request, CN is the device's id.
        Raises BadInput("fleet.bad-csr")."""
        raise NotImplementedError

    async def revoke(self, serial: str) -> None:
        """Adds a certificate to the list and writes the list again; the broker has to be told to read it."""
        raise NotImplementedError
