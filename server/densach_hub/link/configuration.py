"""Mosquitto's files, written from a BrokerPlan: pure text, verified on Debian's 2.0.11.

Two kinds of clients never meet: devices come by TLS and are who their certificate says (`use_identity_as_username`);
simple equipment comes in the clear with a password and sees its own dialects' topics only.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path

from densach_hub.link.model import AccountKind, BrokerPlan, EquipmentAccount
from densach_wire.codec import MAX_PAYLOAD

HUB_USER = "hub"
PACKET_LIMIT = 4 * MAX_PAYLOAD
"""A packet above this ends the connection before it is read: 10 MB never enter the broker's memory. (The older
`message_size_limit` answers with a reason that MQTT 5 clients take for a broken packet, and tells 3.1.1 clients that all
is well.) What is below and still too long for the contract reaches the hub's quarantine, where it is seen."""
QUEUED_BYTES = 128 * 1024 * 1024
HASH_ROUNDS = 101  # what mosquitto_passwd uses; the passwords themselves are long and random

DEVICE_WRITES = ("presence", "hello", "batch", "res/#")
DEVICE_READS = ("ack", "cmd/#", "desired")
EQUIPMENT_WRITES = (
    "tasmota/#", "tele/#", "stat/#", "homeassistant/#", "esphome/#", "zigbee2mqtt/#", "shellies/#", "homie/#",
)  # fmt: skip
EQUIPMENT_READS = ("cmnd/#", "homeassistant/status", "esphome/discover", "esphome/+/command/#")


def password_hash(password: str, salt: bytes | None = None) -> str:
    """The `$7$` form of Mosquitto's password file: PBKDF2-HMAC-SHA512."""
    salt = secrets.token_bytes(12) if salt is None else salt
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS, 64)
    return f"$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def broker_files(plan: BrokerPlan) -> dict[str, str]:
    """File name (inside `plan.folder`) → content."""
    files = {
        "mosquitto.conf": _conf(plan),
        "hub.passwd": f"{HUB_USER}:{plan.hub_secret}\n",
        "hub.acl": f"user {HUB_USER}\ntopic readwrite #\ntopic read $SYS/#\n",
    }
    if plan.devices is not None:
        files["devices.acl"] = _device_acl(plan)
    if plan.equipment is not None:
        files["equipment.passwd"] = "".join(f"{account.name}:{account.secret}\n" for account in plan.accounts)
        files["equipment.acl"] = _equipment_acl(plan)
    return files


def _conf(plan: BrokerPlan) -> str:
    lines = [
        "# Written by the hub at each start; changes made here are lost.",
        "per_listener_settings true",
        "persistence true",
        f"persistence_location {plan.folder}/",
        "autosave_interval 300",
        "persistent_client_expiration 14d",
        "max_queued_messages 100000",
        "max_inflight_messages 1000",
        f"max_queued_bytes {QUEUED_BYTES}",
        f"max_packet_size {PACKET_LIMIT}",
        "sys_interval 10",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages false",
        *([f"user {plan.run_as}"] if plan.run_as else []),
    ]
    if plan.devices is not None and plan.tls is not None:
        lines += [
            "",
            "# Devices: who they are is what their certificate says",
            f"listener {plan.devices.port} {plan.devices.bind}".rstrip(),
            f"cafile {plan.tls.ca}",
            f"certfile {plan.tls.cert}",
            f"keyfile {plan.tls.key}",
            *([f"crlfile {plan.tls.crl}"] if plan.tls.crl is not None and plan.tls.crl.exists() else []),
            "tls_version tlsv1.2",
            "require_certificate true",
            "use_identity_as_username true",
            "allow_anonymous false",
            f"acl_file {plan.folder / 'devices.acl'}",
        ]
    if plan.equipment is not None:
        lines += [
            "",
            "# Simple equipment, in the clear: its own topics and nothing else",
            f"listener {plan.equipment.port} {plan.equipment.bind}".rstrip(),
            "allow_anonymous false",
            f"password_file {plan.folder / 'equipment.passwd'}",
            f"acl_file {plan.folder / 'equipment.acl'}",
        ]
    lines += [
        "",
        "# The hub itself: last, for listeners open in this order and the hub takes its own for the sign that all are open",
        f"listener {plan.hub_port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {plan.folder / 'hub.passwd'}",
        f"acl_file {plan.folder / 'hub.acl'}",
    ]
    return "\n".join(lines) + "\n"


def _device_acl(plan: BrokerPlan) -> str:
    own = f"densach/1/{plan.school}/%u"
    lines = [f"pattern write {own}/{channel}" for channel in DEVICE_WRITES]
    lines += [f"pattern read {own}/{channel}" for channel in DEVICE_READS]
    lines.append(f"pattern read densach/1/{plan.school}/hub")
    for device in sorted(plan.revoked):  # a deny of a user goes before every grant
        lines += [f"user {device}", "topic deny #"]
    return "\n".join(lines) + "\n"


def _equipment_acl(plan: BrokerPlan) -> str:
    lines: list[str] = []
    for account in sorted(plan.accounts, key=lambda a: a.name):
        if not _is_plain(account):
            continue
        lines.append(f"user {account.name}")
        if account.name in plan.revoked:
            lines.append("topic deny #")
        elif account.kind is AccountKind.DEVICE:
            own = f"densach/1/{plan.school}/{account.name}"
            lines += [f"topic write {own}/{channel}" for channel in DEVICE_WRITES]
            lines += [f"topic read {own}/{channel}" for channel in DEVICE_READS]
            lines.append(f"topic read densach/1/{plan.school}/hub")
        else:
            lines += [f"topic write {topic}" for topic in EQUIPMENT_WRITES]
            lines += [f"topic read {topic}" for topic in EQUIPMENT_READS]
    return "\n".join(lines) + "\n"


def _is_plain(account: EquipmentAccount) -> bool:
    return not set(account.name) & set("#+/:\r\n\t ")


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Puts the files in place, readable by this user only; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        target = folder / name
        fresh = folder / f".{name}.new"
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
