"""What pages say of runs and plays. Pure."""

import re

from densach_core.text import Text, t
from densach_hub.provisioning.model import Danger, HostState, RunState

RUN_STATES: dict[RunState, Text] = {
    RunState.RUNNING: t("under way"),
    RunState.DONE: t("done"),
    RunState.FAILED: t("not all well"),
    RunState.STOPPED: t("stopped"),
    RunState.INTERRUPTED: t("interrupted"),
}
RUN_ICONS = {
    RunState.RUNNING: "clock", RunState.DONE: "check", RunState.FAILED: "alert", RunState.STOPPED: "cross",
    RunState.INTERRUPTED: "question",
}  # fmt: skip
HOST_STATES: dict[HostState, Text] = {
    HostState.WAITING: t("not begun"),
    HostState.RUNNING: t("at work"),
    HostState.OK: t("well, nothing to change"),
    HostState.CHANGED: t("well, changed"),
    HostState.FAILED: t("failed"),
    HostState.UNREACHABLE: t("could not be reached"),
    HostState.CUT: t("cut short"),
}
HOST_ICONS = {
    HostState.WAITING: "clock", HostState.RUNNING: "gear", HostState.OK: "check", HostState.CHANGED: "pencil",
    HostState.FAILED: "cross", HostState.UNREACHABLE: "question", HostState.CUT: "alert",
}  # fmt: skip
DANGERS: dict[Danger, Text] = {
    Danger.NONE: t("changes nothing"),
    Danger.CARE: t("changes machines"),
    Danger.HIGH: t("can cost work or files"),
}
REASONS: dict[str, Text] = {
    "provisioning.stopped": t("Somebody stopped it. What was done until then stays; it can be run again."),
    "provisioning.interrupted": t(
        "Whoever ran it went away in the middle (a power cut, a restart). What was done until then stays; it can be run again."
    ),
    "provisioning.not-started": t("Ansible could not be started. Look at the hub's own log."),
    "provisioning.not-begun": t("Ansible did not begin: most likely a fault in the playbook. The log below says where."),
    "provisioning.ended-early": t("Ansible ended before its last word. The log below says why."),
    "provisioning.nothing-done": t("Nothing was done: the play is for other machines than those chosen."),
}
HINTS: tuple[tuple[re.Pattern[str], Text], ...] = (
    (re.compile(r"^hidden \(no_log\)$"), t("The play hides what this step says.")),
    (
        re.compile(r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED"),
        t("It shows another host key than before. Installed anew? Then let the hub forget the old key and run this again."),
    ),
    (
        re.compile(r"Permission denied"),
        t("The hub's key is not on it yet, or for another user. Put the key there, then run this again."),
    ),
    (
        re.compile(r"Missing sudo password|Incorrect sudo password|Premature end of stream.*sudo|sudo: a password is required"),
        t("The password for sudo is missing or wrong. It is asked for before each run."),
    ),
    (
        re.compile(r"timed out|No route to host|Connection refused|Network is unreachable|Connection reset"),
        t("It does not answer. Is it switched on, on the network, and does it run an ssh server?"),
    ),
    (re.compile(r"Could not resolve|not known"), t("Its address is not known. Wait until it has told its inventory.")),
)


def hint(message: str) -> Text | None:
    """What to do about a failure, where its words are known."""
    return next((words for pattern, words in HINTS if pattern.search(message)), None)
