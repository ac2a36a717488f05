"""A library in a process of its own, to be killed: `python -m tests.hub.library.served DATA`; prints its address."""

import asyncio
import sys
from pathlib import Path

from tests.hub.library.world import world_in

from densach_core.accounts.model import Role


async def serve(data: Path) -> None:
    async with world_in(data, background=True) as world:
        cookie = ""
        if not (data / "cookie").exists():
            cookie = (await world.as_(Role.LIBRARIAN))["Cookie"]
            (data / "cookie").write_text(cookie)
        sys.stdout.write(f"{world.base}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
