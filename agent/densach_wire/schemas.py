"""`python -m densach_wire.schemas FOLDER` writes the JSON Schemas of contract v1, one file a message.

They are generated, committed for firmware authors, and tested to be what the code says.
"""

import json
import sys
from pathlib import Path
from typing import Any

from densach_wire import messages
from densach_wire.codec import schema_components
from densach_wire.enrolment import EnrolAnswer, EnrolRequest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES: dict[str, Any] = {
    "hello": messages.Hello,
    "batch": messages.Batch,
    "ack": messages.Ack,
    "desired": messages.Desired,
    "cmd": messages.Command,
    "res": messages.Result,
    "hub": messages.HubState,
    "enrol-request": EnrolRequest,
    "enrol-answer": EnrolAnswer,
}


def documents() -> dict[str, str]:
    """File name → text."""
    texts: dict[str, str] = {}
    for name, kind in FILES.items():
        schemas, components = schema_components((kind,))
        document = {"$schema": _DIALECT, "$id": f"densach/1/{name}", **schemas[0], "$defs": components}
        texts[f"{name}.schema.json"] = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return texts


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
