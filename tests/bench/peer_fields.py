"""What the inventory programs of Debian tell, field by field, and where this agent tells it, or why it does not.

Names are those of the common XML of both (`SECTION.FIELD`). An answer is `section:class.attribute` of ours (class `*`: any;
several with `|`), or a sentence that begins with `–`. `python -m tests.bench.peer_fields` prints the table of docs/.
"""

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from densach_wire.messages import InventorySection

_PERSON = "– about people, not about the machine: accounts, last log-ins and their names stay on it"
_PROCESS = "– what runs and with which arguments is nobody's business; classes of applications are counted instead"
_NOT_A_SCHOOLS = "– of server rooms; no lab or studio machine has it"
_WINDOWS = "– of Windows"
_PROGRAM = "– about the inventory program itself; ours tells its version in its hello"
_DERIVED = "– the same thing said again; derived from what is told"
_VOLUMES = "– how a disk is cut below its file systems; the file systems are told"
_ENVIRONMENT = "– environment variables hold secrets"

ANSWERS: dict[str, str] = {
    "BIOS.SMODEL": "system:product.model",
    "BIOS.SMANUFACTURER": "system:product.maker",
    "BIOS.SSN": "system:product.serial",
    "BIOS.BDATE": "firmware:bios.date",
    "BIOS.BVERSION": "firmware:bios.version",
    "BIOS.BMANUFACTURER": "firmware:bios.maker",
    "BIOS.MMANUFACTURER": "system:board.maker",
    "BIOS.MSN": "system:board.serial",
    "BIOS.MMODEL": "system:board.model",
    "BIOS.ASSETTAG": "system:chassis.asset_tag",
    "BIOS.ENCLOSURESERIAL": "system:chassis.serial",
    "BIOS.BIOSSERIAL": _DERIVED,
    "BIOS.TYPE": "system:chassis.kind",
    "BIOS.SKUNUMBER": "system:product.sku",
    "HARDWARE.USERID": _PERSON,
    "HARDWARE.OSVERSION": "os:os.kernel|os:os.version",
    "HARDWARE.PROCESSORN": "cpu:cpu.model",
    "HARDWARE.OSCOMMENTS": "os:os.kernel",
    "HARDWARE.CHECKSUM": _PROGRAM,
    "HARDWARE.PROCESSORT": "cpu:cpu.model",
    "HARDWARE.NAME": "os:os.hostname",
    "HARDWARE.PROCESSORS": "cpu:cpu.max_mhz",
    "HARDWARE.SWAP": "filesystems:swap.size_bytes",
    "HARDWARE.ETIME": _PROGRAM,
    "HARDWARE.TYPE": "system:chassis.kind",
    "HARDWARE.OSNAME": "os:os.name",
    "HARDWARE.IPADDR": "network:network.ipv4|network:network.ipv6",
    "HARDWARE.WORKGROUP": _WINDOWS,
    "HARDWARE.DESCRIPTION": "os:os.arch",
    "HARDWARE.MEMORY": "memory:memory-total.size_bytes",
    "HARDWARE.UUID": "– the hub gets its digest as a factor of the fingerprint, never the value",
    "HARDWARE.DNS": "network:route.dns",
    "HARDWARE.LASTLOGGEDUSER": _PERSON,
    "HARDWARE.USERDOMAIN": _PERSON,
    "HARDWARE.DATELASTLOGGEDUSER": _PERSON,
    "HARDWARE.DEFAULTGATEWAY": "network:route.gateway",
    "HARDWARE.VMSYSTEM": "firmware:virtual.kind|firmware:container.kind",
    "HARDWARE.WINOWNER": _WINDOWS,
    "HARDWARE.WINPRODID": _WINDOWS,
    "HARDWARE.WINPRODKEY": _WINDOWS,
    "HARDWARE.WINCOMPANY": _WINDOWS,
    "HARDWARE.WINLANG": _WINDOWS,
    "HARDWARE.CHASSIS_TYPE": "system:chassis.kind",
    "HARDWARE.INSTALLDATE": "os:os.installed_on",
    "HARDWARE.VMNAME": _NOT_A_SCHOOLS,
    "HARDWARE.VMHOSTSERIAL": _NOT_A_SCHOOLS,
    "OPERATINGSYSTEM.KERNEL_NAME": "os:os.family",
    "OPERATINGSYSTEM.KERNEL_VERSION": "os:os.kernel",
    "OPERATINGSYSTEM.NAME": "os:os.name",
    "OPERATINGSYSTEM.VERSION": "os:os.version",
    "OPERATINGSYSTEM.FULL_NAME": "os:os.name",
    "OPERATINGSYSTEM.SERVICE_PACK": _WINDOWS,
    "OPERATINGSYSTEM.INSTALL_DATE": "os:os.installed_on",
    "OPERATINGSYSTEM.FQDN": "os:os.hostname",
    "OPERATINGSYSTEM.DNS_DOMAIN": "network:route.domain",
    "OPERATINGSYSTEM.HOSTID": "– made from an address, the same on many machines",
    "OPERATINGSYSTEM.SSH_KEY": "– the hub knows a machine by its certificate",
    "OPERATINGSYSTEM.ARCH": "os:os.arch",
    "OPERATINGSYSTEM.BOOT_TIME": "– an event at each boot, and the uptime in each health record",
    "OPERATINGSYSTEM.TIMEZONE": "os:os.time_zone",
    "OPERATINGSYSTEM.TIMEZONE.NAME": "os:os.time_zone",
    "OPERATINGSYSTEM.TIMEZONE.OFFSET": "os:os.time_zone",
    "ACCESSLOG.*": _PROGRAM,
    "ANTIVIRUS.*": _WINDOWS,
    "BATTERIES.CAPACITY": "battery:battery.design_mwh",
    "BATTERIES.REAL_CAPACITY": "battery:battery.full_mwh",
    "BATTERIES.CHEMISTRY": "battery:battery.chemistry",
    "BATTERIES.DATE": "battery:battery.made",
    "BATTERIES.NAME": "battery:battery.model",
    "BATTERIES.SERIAL": "battery:battery.serial",
    "BATTERIES.MANUFACTURER": "battery:battery.maker",
    "BATTERIES.VOLTAGE": "– health does not depend on it; capacities are told",
    "CONTROLLERS.DRIVER": "pci:pci.driver",
    "CONTROLLERS.REV": "pci:pci.revision",
    "CONTROLLERS.PCISUBSYSTEMID": "pci:pci.subsystem",
    "CONTROLLERS.SERIAL": _WINDOWS,
    "CONTROLLERS.*": "pci:pci.function|pci:pci.model|pci:pci.id",
    "CPUS.CACHE": "cpu:cpu.cache_bytes",
    "CPUS.L2CACHESIZE": "cpu:cpu.cache_bytes",
    "CPUS.CORE": "cpu:cpu.cores",
    "CPUS.CORES": "cpu:cpu.cores",
    "CPUS.CORECOUNT": "cpu:cpu.cores",
    "CPUS.DESCRIPTION": "cpu:cpu.model",
    "CPUS.MANUFACTURER": "cpu:cpu.maker",
    "CPUS.NAME": "cpu:cpu.model",
    "CPUS.TYPE": "cpu:cpu.model",
    "CPUS.THREAD": "cpu:cpu.threads",
    "CPUS.THREADS": "cpu:cpu.threads",
    "CPUS.LOGICAL_CPUS": "cpu:cpu.threads",
    "CPUS.NBSOCKET": "– one item for each socket",
    "CPUS.SERIAL": "– no processor made since 2000 tells one",
    "CPUS.STEPPING": "cpu:cpu.stepping",
    "CPUS.FAMILYNAME": "cpu:cpu.family",
    "CPUS.FAMILYNUMBER": "cpu:cpu.family",
    "CPUS.MODEL": "cpu:cpu.model_number|cpu:cpu.model",
    "CPUS.SPEED": "cpu:cpu.max_mhz",
    "CPUS.ID": "cpu:cpu.family|cpu:cpu.stepping",
    "CPUS.EXTERNAL_CLOCK": "– the clock of the board, from before 2008",
    "CPUS.ARCH": "os:os.arch",
    "CPUS.CPUARCH": "os:os.arch",
    "CPUS.DATA_WIDTH": "cpu:cpu.bits64",
    "DRIVES.CREATEDATE": _WINDOWS,
    "DRIVES.DESCRIPTION": _DERIVED,
    "DRIVES.FREE": "– changes with every file: in each health record",
    "DRIVES.FILESYSTEM": "filesystems:filesystem.kind",
    "DRIVES.LABEL": "filesystems:filesystem.volume",
    "DRIVES.LETTER": _WINDOWS,
    "DRIVES.SERIAL": "filesystems:filesystem.uuid",
    "DRIVES.SYSTEMDRIVE": _WINDOWS,
    "DRIVES.TOTAL": "filesystems:filesystem.size_bytes",
    "DRIVES.TYPE": "filesystems:filesystem.*",
    "DRIVES.VOLUMN": "filesystems:filesystem.device",
    "DRIVES.ENCRYPT_NAME": "encryption:*.*",
    "DRIVES.ENCRYPT_ALGO": "encryption:*.*",
    "DRIVES.ENCRYPT_STATUS": "encryption:*.*",
    "DRIVES.ENCRYPT_TYPE": "encryption:*.*",
    "ENVS.*": _ENVIRONMENT,
    "INPUTS.*": "input:*.*|usb:usb.model|usb:usb.name",
    "FIREWALL.STATUS": "firewall:firewall.on",
    "FIREWALL.*": _WINDOWS,
    "LICENSEINFOS.*": _WINDOWS,
    "LOCAL_GROUPS.*": _PERSON,
    "LOCAL_USERS.*": _PERSON,
    "LOGICAL_VOLUMES.*": _VOLUMES,
    "MEMORIES.CAPACITY": "memory:memory.size_bytes",
    "MEMORIES.CAPTION": "memory:memory.bank",
    "MEMORIES.FORMFACTOR": "memory:memory.form",
    "MEMORIES.REMOVABLE": _WINDOWS,
    "MEMORIES.PURPOSE": _WINDOWS,
    "MEMORIES.SPEED": "memory:memory.speed_mts",
    "MEMORIES.SERIALNUMBER": "memory:memory.serial",
    "MEMORIES.TYPE": "memory:memory.kind",
    "MEMORIES.DESCRIPTION": "memory:memory.form",
    "MEMORIES.NUMSLOTS": "memory:memory-total.slots",
    "MEMORIES.MEMORYCORRECTION": "memory:memory-total.error_correction",
    "MEMORIES.MANUFACTURER": "memory:memory.maker",
    "MEMORIES.MODEL": "memory:memory.part",
    "MODEMS.*": "usb:usb.model|pci:pci.function",
    "MONITORS.BASE64": "– the raw block; everything in it that says something is told",
    "MONITORS.UUENCODE": "– the raw block; everything in it that says something is told",
    "MONITORS.CAPTION": "display:display.model",
    "MONITORS.DESCRIPTION": "display:display.year",
    "MONITORS.MANUFACTURER": "display:display.maker",
    "MONITORS.SERIAL": "display:display.serial",
    "MONITORS.NAME": "display:display.model",
    "MONITORS.TYPE": "display:display.connector",
    "MONITORS.ALTSERIAL": "display:display.serial_number",
    "MONITORS.PORT": "display:display.connector",
    "NETWORKS.DESCRIPTION": "network:network.kind",
    "NETWORKS.MANUFACTURER": "pci:pci.maker|usb:usb.maker",
    "NETWORKS.MODEL": "pci:pci.model|usb:usb.model",
    "NETWORKS.MANAGEMENT": _NOT_A_SCHOOLS,
    "NETWORKS.TYPE": "network:network.kind",
    "NETWORKS.VIRTUALDEV": "– only interfaces with a device behind them are told",
    "NETWORKS.MACADDR": "network:network.mac",
    "NETWORKS.WWN": _NOT_A_SCHOOLS,
    "NETWORKS.DRIVER": "network:network.driver",
    "NETWORKS.FIRMWARE": "– only its driver knows, by a call that wakes the card",
    "NETWORKS.PCIID": "pci:pci.id",
    "NETWORKS.PCISLOT": "pci:pci.id",
    "NETWORKS.PNPDEVICEID": _WINDOWS,
    "NETWORKS.MTU": "– 1500 in every school; another value is no fact about a machine",
    "NETWORKS.DUPLEX": "network:network.link_duplex|– not of a card whose speed nobody knows",
    "NETWORKS.SPEED": "network:network.speed_mbps|– not of a card that does not know it, nor of Wi-Fi, where it changes all day",
    "NETWORKS.STATUS": "network:network.link_up",
    "NETWORKS.SLAVES": _NOT_A_SCHOOLS,
    "NETWORKS.BASE": _NOT_A_SCHOOLS,
    "NETWORKS.IPADDRESS": "network:network.ipv4",
    "NETWORKS.IPSUBNET": "network:network.ipv4",
    "NETWORKS.IPMASK": "network:network.ipv4",
    "NETWORKS.IPDHCP": "– the hub needs the address, not who gave it",
    "NETWORKS.IPGATEWAY": "network:route.gateway",
    "NETWORKS.IPADDRESS6": "network:network.ipv6",
    "NETWORKS.IPSUBNET6": "network:network.ipv6",
    "NETWORKS.IPMASK6": "network:network.ipv6",
    "NETWORKS.WIFI_BSSID": "– where a laptop is, is not counted",
    "NETWORKS.WIFI_SSID": "– where a laptop is, is not counted",
    "NETWORKS.WIFI_MODE": "– where a laptop is, is not counted",
    "NETWORKS.WIFI_VERSION": "– where a laptop is, is not counted",
    "PHYSICAL_VOLUMES.*": _VOLUMES,
    "PORTS.*": "– the sockets of the case; what hangs on them is told",
    "POWERSUPPLIES.*": "slots:power-supply.max_w|slots:power-supply.model",
    "PRINTERS.PRINTPROCESSOR": _WINDOWS,
    "PRINTERS.*": "printer:*.*",
    "PROCESSES.*": _PROCESS,
    "REGISTRY.*": _WINDOWS,
    "REMOTE_MGMT.*": "– such programs are in the software list; their ids are keys",
    "REPOSITORY.*": "sources:repository.*|packages:package.origin",
    "RUDDER.*": _PROGRAM,
    "SLOTS.*": "slots:slot.kind",
    "SOFTWARES.COMMENTS": "– the same words for the same package everywhere; ten thousand of them are no fact",
    "SOFTWARES.FILESIZE": "packages:package.size_bytes",
    "SOFTWARES.FOLDER": _WINDOWS,
    "SOFTWARES.FROM": "packages:package.source",
    "SOFTWARES.HELPLINK": _WINDOWS,
    "SOFTWARES.INSTALLDATE": "packages:package.install_date",
    "SOFTWARES.NAME": "packages:package.name",
    "SOFTWARES.NO_REMOVE": _WINDOWS,
    "SOFTWARES.RELEASE_TYPE": _WINDOWS,
    "SOFTWARES.PUBLISHER": "packages:package.publisher",
    "SOFTWARES.UNINSTALL_STRING": _WINDOWS,
    "SOFTWARES.URL_INFO_ABOUT": _WINDOWS,
    "SOFTWARES.VERSION": "packages:package.version",
    "SOFTWARES.VERSION_MINOR": _DERIVED,
    "SOFTWARES.VERSION_MAJOR": _DERIVED,
    "SOFTWARES.GUID": _WINDOWS,
    "SOFTWARES.ARCH": "– in the item's key",
    "SOFTWARES.ARCHITECTURE": "– in the item's key",
    "SOFTWARES.USERNAME": _PERSON,
    "SOFTWARES.USERID": _PERSON,
    "SOFTWARES.SYSTEM_CATEGORY": "packages:package.area",
    "SOUNDS.*": "sound:*.*|pci:pci.function",
    "STORAGES.DESCRIPTION": "disk:disk.bus",
    "STORAGES.DISKSIZE": "disk:disk.size_bytes",
    "STORAGES.INTERFACE": "disk:disk.bus",
    "STORAGES.MANUFACTURER": "disk:disk.maker|disk:disk.model|disk:disk.bus",
    "STORAGES.MODEL": "disk:disk.model",
    "STORAGES.NAME": "disk:disk.*",
    "STORAGES.TYPE": "disk:disk.kind|disk:disk.bus",
    "STORAGES.SERIAL": "disk:disk.serial",
    "STORAGES.SERIALNUMBER": "disk:disk.serial",
    "STORAGES.FIRMWARE": "disk:disk.firmware",
    "STORAGES.WWN": "disk:disk.wwn",
    "STORAGES.ENCRYPT_NAME": "encryption:*.*",
    "STORAGES.ENCRYPT_ALGO": "encryption:*.*",
    "STORAGES.ENCRYPT_STATUS": "encryption:*.*",
    "STORAGES.ENCRYPT_TYPE": "encryption:*.*",
    "STORAGES.*": _NOT_A_SCHOOLS,
    "VIDEOS.CHIPSET": "gpu:gpu.model",
    "VIDEOS.MEMORY": "gpu:gpu.memory_bytes",
    "VIDEOS.NAME": "gpu:gpu.model",
    "VIDEOS.RESOLUTION": "display:display.width_px",
    "VIDEOS.PCISLOT": "gpu:gpu.*",
    "VIDEOS.PCIID": "gpu:gpu.*",
    "USBDEVICES.VENDORID": "usb:usb.id",
    "USBDEVICES.PRODUCTID": "usb:usb.id",
    "USBDEVICES.MANUFACTURER": "usb:usb.maker",
    "USBDEVICES.CAPTION": "usb:usb.model",
    "USBDEVICES.SERIAL": "usb:usb.serial",
    "USBDEVICES.CLASS": "usb:usb.kind",
    "USBDEVICES.SUBCLASS": "usb:usb.kind",
    "USBDEVICES.NAME": "usb:usb.model",
    "USERS.*": _PERSON,
    "VIRTUALMACHINES.*": _NOT_A_SCHOOLS,
    "VOLUME_GROUPS.*": _VOLUMES,
    "VERSIONPROVIDER.*": _PROGRAM,
    "VERSIONCLIENT.*": _PROGRAM,
}
"""The whole field list of FusionInventory 2.6, and what OCS 2.10 tells beside it."""


NOTHING = frozenset({"0", "0 mbps", "unknown", "1970-00-01", "00:00:00:00:00:00"})
"""What a peer says when it does not know."""


def told_by(xml: bytes) -> dict[str, str]:
    """Field → its first value, of what a peer printed."""
    text = xml[xml.index(b"<REQUEST") :] if b"<REQUEST" in xml else xml
    content = ElementTree.fromstring(text).find("CONTENT")
    found: dict[str, str] = {}
    for section in content if content is not None else ():
        for field in section:
            for name, value in _leaves(f"{section.tag}.{field.tag}", field):
                if value.strip() and value.strip().casefold() not in NOTHING:
                    found.setdefault(name, value.strip())
    return found


def answer(field: str) -> str | None:
    """Ours for a peer's field; None: nobody thought of it."""
    return ANSWERS.get(field) or ANSWERS.get(f"{field.split('.')[0]}.*")


def is_answered(field: str, sections: Iterable[InventorySection]) -> bool:
    """Whether the answer is a reason, or a fact that is really in these sections."""
    given = answer(field)
    if given is None:
        return False
    return any(place.startswith("–") or _is_there(place, sections) for place in given.split("|"))


def _is_there(place: str, sections: Iterable[InventorySection]) -> bool:
    section, cls, attribute = re.fullmatch(r"([\w-]+):([\w*-]+)\.([\w*]+)", place).groups()  # type: ignore[union-attr]
    return any(
        found.section == section
        and any(cls in ("*", item.cls) and (attribute == "*" or attribute in item.attrs) for item in found.items)
        for found in sections
    )


def _leaves(name: str, element: ElementTree.Element) -> Iterable[tuple[str, str]]:
    if len(element) == 0:
        yield name, element.text or ""
    for child in element:
        yield from _leaves(f"{name}.{child.tag}", child)


def table() -> str:
    """The table in Markdown."""
    rows = [f"| `{field}` | {', '.join(p if p.startswith('–') else f'`{p}`' for p in given.split('|'))} |"
            for field, given in sorted(ANSWERS.items())]  # fmt: skip
    return "\n".join(["| theirs | ours |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    print(table())
