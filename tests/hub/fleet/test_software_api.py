"""Software for scripts, over real HTTP."""

from tests.hub.fleet.conftest import Lab
from tests.hub.fleet.test_register_api import Script, script
from tests.hub.fleet.test_software import Told, package

__all__ = ["script"]


async def test_software_over_the_api(script: Script, lab: Lab) -> None:
    machine = await lab.machine()
    await Told(lab).tell(machine.id, package("zalo", "24.1"), package("c++ và 100%/x", licence="MIT"), package("lib", app=None))
    found = await script.call("GET", "/software?q=zalo")
    assert (found["total"], found["software"][0]["licence_class"], found["told"]) == (1, "proprietary", 1)
    assert (await script.call("GET", "/software?all=1&most=1&first=1"))["total"] == 3
    assert (await script.call("GET", "/software?class=free"))["software"][0]["versions"] == {"1.0": 1}
    sight = await script.call("GET", "/software/program?source=dpkg&name=c%2B%2B%20v%C3%A0%20100%25%2Fx")
    assert (sight["software"]["machines"], sight["copies"][0]["device"]) == (1, machine.id)
    await script.call("GET", "/software/program?source=dpkg&name=none", status=404)
    await script.call("GET", "/software?most=x", status=422)
    await script.call("GET", "/software", status=403, who="pupil")


async def test_a_script_says_the_school_s_word(script: Script, lab: Lab) -> None:
    machine = await lab.machine()
    await Told(lab).tell(machine.id, package("toan-6"))
    said = await script.call(
        "POST", "/software/licences", {"name": "toan-*", "licence_class": "free", "note": "tự làm"}, status=201
    )
    assert said["id"] == "toan-*"
    assert (await script.call("GET", "/software"))["counts"] == {"free": 1, "proprietary": 0, "unknown": 0}
    await script.call("POST", "/software/licences", {"name": "x", "licence_class": "gratis"}, status=422)
    assert len((await script.call("GET", "/software/licences"))["licences"]) == 1
    await script.call("DELETE", "/software/licences?name=toan-*", status=204)
    await script.call("DELETE", "/software/licences?name=toan-*", status=404)
