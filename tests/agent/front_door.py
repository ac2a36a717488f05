"""The hub's door as machines see it: `POST /api/v1/enrol` over real HTTP, certificates signed by the test's authority."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from tests.agent.broker import SCHOOL
from tests.fixtures.certificates import TestAuthority

from densach_wire.codec import decode, encode
from densach_wire.enrolment import Endpoint, EnrolAnswer, EnrolRequest, Token, ca_digest

Answer = Callable[[EnrolRequest], EnrolAnswer | tuple[int, bytes]]


class FrontDoor:
    """`answer` may be replaced by the test; it admits everybody as pc-1, pc-2 … at first."""

    def __init__(self, authority: TestAuthority, tls_port: int) -> None:
        self.authority = authority
        self.endpoint = Endpoint(tls_port)
        self.requests: list[EnrolRequest] = []
        self.answer: Answer = self.admit
        self.devices = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = decode(self.rfile.read(int(self.headers["Content-Length"])), EnrolRequest)
                door.requests.append(asked)
                made = door.answer(asked)
                status, body = made if isinstance(made, tuple) else (200, encode(made))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, name="front door")
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    @property
    def token(self) -> str:
        return str(Token("room-1-token-0123456789", ca_digest(self.authority.ca.read_text())))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def admit(self, asked: EnrolRequest) -> EnrolAnswer:
        self.devices += 1
        device = f"pc-{self.devices}"
        return EnrolAnswer(
            state="admitted",
            school=SCHOOL,
            device=device,
            certificate=sign(self.authority, asked.csr_pem, device),
            ca=self.authority.ca.read_text(),
            mqtt=(self.endpoint,),
            user_key="ab" * 16,
        )


def sign(authority: TestAuthority, csr_pem: str, device: str) -> str:
    request = x509.load_pem_x509_csr(csr_pem.encode())
    assert request.is_signature_valid
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    key = request.public_key()
    builder = authority._builder(name, key)  # type: ignore[arg-type]
    return builder.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
