"""What Debian 12 and 13, Ubuntu and Raspberry Pi OS are asked where they differ: packages' names, folders, drivers."""

from pathlib import Path

import pytest
from tests.fixtures.recorded_facts import Call, complaints, recorded

pytestmark = pytest.mark.timeout(600)
DEBIAN, TRIXIE, UBUNTU, PI = "debian-12", "debian-13", "ubuntu-24.04", "raspberry-pi-os-12"
SYSTEMS = [DEBIAN, TRIXIE, UBUNTU, PI]


def packages(calls: list[Call], host: str, role: str) -> list[str]:
    found = [call for call in calls if call["host"] == host and call["role"] == role and call["module"] == "ansible.builtin.apt"]
    return [name for call in found for name in call["arguments"]["name"]]


def test_every_system_gets_packages_it_has(tmp_path: Path) -> None:
    book = tmp_path / "some.yml"
    roles = "[preconditions, browser, studio_tools]"
    book.write_text(f"- name: Some roles\n  hosts: lab\n  gather_facts: false\n  roles: {roles}\n")
    calls, _ = recorded(
        tmp_path, str(book), {"lab": SYSTEMS}, {"preconditions_kind": "lab", "densach_hub_ca_file": str(Path(__file__))},
        answers={
            "Look for Python and for the right to change things": {"stdout": "python3\nroot"},
            "Ask for the room on its disk": {"stdout_lines": ["Avail", "60000"]},
            "The hub's certificate, as Chromium wants it": {
                "content": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
            },
        },
    )  # fmt: skip
    assert complaints(calls) == set()
    assert packages(calls, DEBIAN, "browser") == packages(calls, TRIXIE, "browser") == packages(calls, PI, "browser")
    assert "firefox-esr" in packages(calls, DEBIAN, "browser")
    assert packages(calls, UBUNTU, "browser") == []
    headers = {host: [name for name in packages(calls, host, "studio_tools") if "headers" in name] for host in SYSTEMS}
    assert headers == {
        DEBIAN: ["linux-headers-amd64"],
        TRIXIE: ["linux-headers-amd64"],
        UBUNTU: ["linux-headers-generic"],
        PI: ["linux-headers-rpi-v8"],
    }
    assert {host: "firmware-linux-free" in packages(calls, host, "studio_tools") for host in SYSTEMS} == {
        DEBIAN: True, TRIXIE: True, UBUNTU: False, PI: True,
    }  # fmt: skip
    policies = {call["arguments"]["dest"] for call in calls if call["host"] == UBUNTU and call["task"] == "Chromium"}
    assert "/etc/chromium-browser/policies/managed/densach.json" in policies
