"""BIOS or UEFI, secure boot, TPM, and whether this is a virtual machine or a container."""

import re
from datetime import date

from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.system import DMI
from densach_agent.junk import kept_name
from densach_agent.machine import Denied, Machine, NoData
from densach_wire.messages import Item

_EFI = "sys/firmware/efi"
_VARIABLE = _EFI + "/efivars/{}-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_VIRTUAL = (
    "qemu", "kvm", "vmware", "virtualbox", "innotek", "microsoft corporation virtual", "xen", "bochs", "parallels",
    "openstack", "google compute engine", "amazon ec2", "bhyve", "firecracker", "proxmox", "rhev", "ovirt",
)  # fmt: skip
_HYPERVISORS = {"innotek": "virtualbox", "microsoft corporation virtual": "hyper-v"}
_TPM_CAPS = re.compile(r"^Manufacturer: 0x([0-9a-fA-F]{8})$", re.MULTILINE)
_TPM_MAKERS = {
    "AMD": "AMD",
    "ATML": "Atmel",
    "BRCM": "Broadcom",
    "IBM": "IBM",
    "IFX": "Infineon",
    "INTC": "Intel",
    "MSFT": "Microsoft",
    "NTC": "Nuvoton",
    "NTZ": "Nationz",
    "STM": "STMicroelectronics",
    "STM ": "STMicroelectronics",
    "TXN": "Texas Instruments",
    "WEC": "Winbond",
}  # fmt: skip - TCG vendor ids


def collect(machine: Machine) -> list[Item]:
    found: list[Item] = []
    efi = machine.exists(_EFI)
    if machine.names(DMI) or efi:
        found.append(
            item(
                "bios", "bios", kind="uefi" if efi else "bios",
                maker=kept_name(machine.open_text(f"{DMI}/bios_vendor")),
                version=kept_name(machine.open_text(f"{DMI}/bios_version")),
                release=kept_name(machine.open_text(f"{DMI}/bios_release")),
                date=iso_date(kept_name(machine.open_text(f"{DMI}/bios_date"))),
                secure_boot=_variable(machine, "SecureBoot") if efi else None,
                secure_boot_mode=_mode(machine) if efi else None,
            )
        )  # fmt: skip
    found += [_tpm(machine, name) for name in machine.names("sys/class/tpm")]
    if (kind := virtual(machine)) is not None:
        found.append(item("virtual", "virtual", kind=kind))
    if (kind := container(machine)) is not None:
        found.append(item("container", "container", kind=kind))
    if not found:
        raise NoData
    return found


def iso_date(text: str | None) -> str | None:
    """`12/13/2012` and `12/13/12` (month first: SMBIOS 7.1) as `2012-12-13`; what is no date at all stays as it is,
    a day that never was is none."""
    match = re.match(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})\Z", text or "")
    if match is None:
        return text
    year = int(match[3])
    try:
        return date(year if year > 99 else year + (1900 if year >= 80 else 2000), int(match[1]), int(match[2])).isoformat()
    except ValueError:
        return None


def virtual(machine: Machine) -> str | None:
    """The hypervisor's name, "yes" if only the processor tells, or None on a machine of metal."""
    if "control_d" in (machine.open_text("proc/xen/capabilities") or ""):
        return None  # Xen's own first domain: the machine itself
    words = " ".join(machine.open_text(f"{DMI}/{name}") or "" for name in ("sys_vendor", "product_name")).casefold()
    for name in _VIRTUAL:
        if name in words:
            return _HYPERVISORS.get(name, name)
    if "microsoft" in (machine.open_text("proc/sys/kernel/osrelease") or "").casefold():
        return "wsl"
    told = machine.open_text("sys/hypervisor/type")
    tree = machine.open_text("proc/device-tree/hypervisor/compatible")
    if told or tree:
        return told or "kvm"
    return "yes" if " hypervisor" in (machine.whole("proc/cpuinfo", 65536) or "") else None


def container(machine: Machine) -> str | None:
    """The name systemd or the container's maker left; the agent in a container knows little of the machine."""
    told = machine.open_text("run/systemd/container")
    if told:
        return told
    return "docker" if machine.exists(".dockerenv") else "podman" if machine.exists("run/.containerenv") else None


def _mode(machine: Machine) -> str | None:
    """In "setup" and "audit" mode nothing is enforced, whatever the switch in the firmware's menu says."""
    for name, mode in (("AuditMode", "audit"), ("SetupMode", "setup"), ("DeployedMode", "deployed")):
        if _variable(machine, name):
            return mode
    return "user" if _variable(machine, "SetupMode") is False else None


def _variable(machine: Machine, name: str) -> bool | None:
    """A one-byte UEFI variable: four bytes of attributes, then the value."""
    try:
        raw = machine.raw(_VARIABLE.format(name), 8)
    except Denied:
        return None
    return bool(raw[4]) if raw is not None and len(raw) == 5 else None


def _tpm(machine: Machine, name: str) -> Item:
    base = f"sys/class/tpm/{name}"
    caps = machine.whole(f"{base}/caps", 4096) or machine.whole(f"{base}/device/caps", 4096) or ""
    told = _TPM_CAPS.search(caps)
    letters = bytes.fromhex(told[1]).decode("ascii", "replace").strip("\0 ") if told else ""
    version = machine.number(f"{base}/tpm_version_major")
    if version is None and "TCG version: 1.2" in caps:
        version = 1
    return item(
        "tpm",
        name,
        version={1: "1.2", 2: "2.0"}.get(version or 0),
        maker=_TPM_MAKERS.get(letters) or kept_name(letters),
        model=kept_name(machine.open_text(f"{base}/device/description")),
        driver=machine.target(f"{base}/device/driver"),
        enabled=_yes(machine, f"{base}/device/enabled"),
    )


def _yes(machine: Machine, path: str) -> bool | None:
    number = machine.number(path)
    return None if number is None else number == 1


COLLECTOR = Collector("firmware", 3, collect)
