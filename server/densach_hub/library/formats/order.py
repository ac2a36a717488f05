"""What the hub tells the reading process."""

import msgspec


class Order(msgspec.Struct, frozen=True):
    """Read `path` (called `name` by whoever brought it) and put text and cover into `folder`."""

    path: str
    name: str
    folder: str
