"""Why something is in quarantine, in words for a technician."""

from densach_core.text import Text, t

REASONS: dict[str, Text] = {
    "wire.too-large": t("Larger than the contract allows"),
    "wire.not-json": t("Not readable: neither JSON nor compressed JSON"),
    "wire.bad-zlib": t("Compressed data that is damaged"),
    "wire.bad-shape": t("A field is missing or has the wrong type"),
    "wire.unknown-kind": t("A kind of record the hub does not know (is the agent newer than the hub?)"),
    "wire.too-deep": t("Nested too deeply"),
    "wire.version": t("Another version of the contract (update the agent or the hub)"),
    "wire.bad-topic": t("Sent to a place that does not exist"),
    "intake.unknown-device": t("From a machine that is not in the register"),
    "intake.foreign-device": t("Claims another machine's name"),
    "intake.foreign-school": t("From another school"),
    "intake.hub-fault": t("The hub itself stumbled over it: please report this"),
    "tasmota.bad-shape": t("A Tasmota plug's message is not as expected"),
    "tasmota.bad-presence": t("A Tasmota plug's message is not as expected"),
    "tasmota.message-too-large": t("Larger than the contract allows"),
    "tasmota.wrong-mac": t("A Tasmota plug's message names another plug"),
    "tasmota.bad-topic": t("A Tasmota plug with an unusual FullTopic: set it back to %prefix%/%topic%/"),
    "tasmota.topic-taken": t("Two Tasmota plugs have the same topic: give one another name"),
}


def reason(code: str) -> Text:
    """The sentence for a code; the code itself where there is none."""
    return REASONS.get(code, Text(code))
