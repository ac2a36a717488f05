"""Requests to the people at the machine: a message to read, and a machine that shows which one it is."""

from densach_agent.handing import Hand
from densach_agent.requests import Deed, Pending, Upshot
from densach_agent.words import say
from densach_wire.messages import Command

_LONGEST = 500


def tell_people(hand: Hand) -> Deed:
    """Refused with `nobody` where there is no screen to read it on: then it was not told."""

    def deed(command: Command) -> Upshot | Pending:
        text = " ".join(str(command.args.get("text", "")).split())[:_LONGEST]
        if not text:
            return Upshot("failed: an empty message")
        asked = hand.give("message", f"{text}\n— {command.by}" if command.by else text)

        def ask() -> Upshot | None:
            upshot = asked()
            if upshot is not None and not upshot.refused and not upshot.attrs.get("shown"):
                return Upshot("nobody: nobody is logged in")
            return upshot

        return ask

    return deed


def identify(hand: Hand, hostname: str) -> Deed:
    """The keyboard's lamps blink, the speaker beeps, each screen says the machine's name."""

    def deed(command: Command) -> Upshot | Pending:
        wish = command.args.get("seconds", 10)
        seconds = int(wish) if isinstance(wish, int | float) else 10
        return hand.give("identify", say("This is {name}.", name=hostname), seconds)

    return deed
