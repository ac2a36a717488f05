"""`python -m densach_agent.keys FILE`: makes a key pair in FILE (if it is not there) and prints a certificate request.

A process of its own because `cryptography` is as large as the rest of the agent.
"""

import os
import sys
from pathlib import Path


def request_for(key_file: Path) -> str:
    """PEM of a PKCS#10 request; the key (EC P-256) never leaves the file, which only its owner may read."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    if key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SystemExit(f"{key_file}: not an elliptic-curve key")
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "densach-agent")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode("ascii")


if __name__ == "__main__":
    sys.stdout.write(request_for(Path(sys.argv[1])))
