"""What can be wrong with bytes that came over a wire. The codes are stable: they are counted, shown and tested."""


class WireError(Exception):
    """A message that cannot be used. `code` is stable (`wire.noun-problem`), `detail` says where, for a technician."""

    code = "wire.bad"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail[:500]
        if code is not None:
            self.code = code


class TooLarge(WireError):
    """More bytes than the contract allows, before or after inflating (a zlib bomb ends here, uninflated)."""

    code = "wire.too-large"


class NotJson(WireError):
    """Not UTF-8 JSON, and not JSON compressed with zlib."""

    code = "wire.not-json"


class BadShape(WireError):
    """JSON, but a field is missing, has another type or is out of range."""

    code = "wire.bad-shape"


class BadTopic(WireError):
    """A topic outside the contract."""

    code = "wire.bad-topic"


class BadToken(WireError):
    """An enrolment token that was mistyped or cut short."""

    code = "wire.bad-token"
