"""A Mosquitto as DESIGN.md wants it: devices by certificate with their own topics only, simple devices by password."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.fixtures.certificates import TestAuthority
from tests.fixtures.mosquitto import find_mosquitto, free_port, wait_for_port

SCHOOL = "truong-1"
_CONF = """\
{user}per_listener_settings true
max_queued_messages 100000
max_inflight_messages 1000
message_size_limit 300000
persistence false
log_dest file {folder}/log
listener {tls_port} 127.0.0.1
cafile {ca}
certfile {cert}
keyfile {key}
require_certificate true
use_identity_as_username true
acl_file {folder}/acl
listener {plain_port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwd
acl_file {folder}/acl
listener {hub_port} 127.0.0.1
allow_anonymous true
"""
_ACL = """\
pattern write densach/1/truong-1/%u/presence
pattern write densach/1/truong-1/%u/hello
pattern write densach/1/truong-1/%u/batch
pattern write densach/1/truong-1/%u/res/#
pattern read densach/1/truong-1/%u/ack
pattern read densach/1/truong-1/%u/cmd/#
pattern read densach/1/truong-1/%u/desired
pattern read densach/1/truong-1/hub
"""


class Broker:
    """`hub_port` anonymous for the test's hub, `tls_port` for certificates, `plain_port` for user and password."""

    def __init__(self, folder: Path, *, server: TestAuthority | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "keys").mkdir(exist_ok=True)
        self.authority = TestAuthority(folder / "keys")
        self.server = server or self.authority
        self.hub_port, self.tls_port, self.plain_port = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def allow(self, user: str, password: str) -> None:
        """An account on the plain listener; before `start`."""
        tool = shutil.which("mosquitto_passwd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
        assert tool is not None
        (self.folder / "passwd").touch(0o600)
        subprocess.run([tool, "-b", str(self.folder / "passwd"), user, password], check=True, capture_output=True)

    def start(self) -> None:
        (self.folder / "acl").write_text(_ACL)
        passwords = self.folder / "passwd"
        passwords.touch()
        conf = _CONF.format(
            user="user root\n" if os.geteuid() == 0 else "",
            folder=self.folder,
            hub_port=self.hub_port,
            tls_port=self.tls_port,
            plain_port=self.plain_port,
            ca=self.authority.ca,
            cert=self.server.cert,
            key=self.server.key,
        )
        (self.folder / "conf").write_text(conf)
        self._process = subprocess.Popen([find_mosquitto(), "-c", str(self.folder / "conf")], stderr=subprocess.DEVNULL)
        wait_for_port(self.hub_port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
