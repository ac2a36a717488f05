"""Resumable uploads over HTTP: tus 1.0.0 with the extensions creation, expiration, termination and checksum.

`POST /api/v1/uploads` (Upload-Length, Upload-Metadata: filename, folder, sha256) opens one, `HEAD` says where it stands,
`PATCH` goes on from there, `DELETE` gives it up. When the last byte is on disk the answer names the item it became.
"""

import base64
import binascii
import hashlib
from email.utils import formatdate

import structlog
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.service import LIBRARY, Library
from densach_hub.library.uploads import LARGEST, Upload

log = structlog.get_logger("library")
routes = Routes("library")
VERSION = "1.0.0"
CHECKSUMS = {"sha256": "sha256", "sha1": "sha1"}
PIECE = "application/offset+octet-stream"


def _headers(**more: str) -> dict[str, str]:
    return {"Tus-Resumable": VERSION, "Cache-Control": "no-store", **{k.replace("_", "-"): v for k, v in more.items()}}


@routes.on("OPTIONS", "/api/v1/uploads", who=EVERYONE)
async def abilities(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - the same for everybody
    return web.Response(
        status=204,
        headers=_headers(
            Tus_Version=VERSION,
            Tus_Extension="creation,expiration,termination,checksum",
            Tus_Max_Size=str(LARGEST),
            Tus_Checksum_Algorithm=",".join(CHECKSUMS),
        ),
    )


@routes.on("POST", "/api/v1/uploads", who=LIBRARIANS)
async def create(request: web.Request) -> web.StreamResponse:
    account = me(request)
    length = request.headers.get("Upload-Length", "")
    if not length.isdecimal():
        raise BadInput("library.upload-length", t("The size of the file must be said first (Upload-Length)."))
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    upload = await request.app[LIBRARY].uploads.create(
        said.get("filename") or said.get("name") or "file",
        int(length),
        by=account.name,
        by_id=account.id,
        folder=said.get("folder", ""),
        expected=said.get("sha256") or None,
    )
    return web.Response(
        status=201, headers=_headers(Location=f"/api/v1/uploads/{upload.id}", **_expiry(upload), Upload_Offset="0")
    )


@routes.on("HEAD", "/api/v1/uploads/{id}", who=LIBRARIANS)
async def stand(request: web.Request) -> web.StreamResponse:
    library, upload = await _upload(request)
    offset = await library.uploads.offset(upload)
    if offset == upload.size and upload.item is None:
        upload = await _finish(request, library, upload)
    return web.Response(
        headers=_headers(Upload_Offset=str(offset), Upload_Length=str(upload.size), **_expiry(upload), **_item(upload))
    )


@routes.on("PATCH", "/api/v1/uploads/{id}", who=LIBRARIANS)
async def piece(request: web.Request) -> web.StreamResponse:
    library, upload = await _upload(request)
    if request.content_type != PIECE:
        return web.Response(status=415, headers=_headers())
    offset = request.headers.get("Upload-Offset", "")
    if not offset.isdecimal():
        raise BadInput("library.upload-offset", t("The place of the piece must be said (Upload-Offset)."))
    try:
        here = await library.uploads.append(
            upload, int(offset), request.content.iter_any(), checksum=_checksum(request.headers.get("Upload-Checksum"))
        )
        if here.whole:
            upload = await _finish(request, library, upload)
    except BadInput as problem:
        if problem.code == "library.checksum":
            return web.Response(status=460, reason="Checksum Mismatch", headers=_headers())
        raise
    except (ConnectionError, web.PayloadAccessError) as error:
        log.info("library.upload-broke-off", upload=upload.id, reason=str(error))
        raise
    return web.Response(status=204, headers=_headers(Upload_Offset=str(here.offset), **_expiry(upload), **_item(upload)))


@routes.on("DELETE", "/api/v1/uploads/{id}", who=LIBRARIANS)
async def give_up(request: web.Request) -> web.StreamResponse:
    library, upload = await _upload(request)
    await library.uploads.cancel(upload)
    return web.Response(status=204, headers=_headers())


async def _upload(request: web.Request) -> tuple[Library, Upload]:
    library = request.app[LIBRARY]
    return library, await library.uploads.get(request.match_info["id"], me(request).id)


async def _finish(request: web.Request, library: Library, upload: Upload) -> Upload:
    done = await library.finish_upload(upload)
    if done.item is not None and upload.item is None and not done.known:
        await request.app[AUDIT].note(by=me(request), what="library.item-added", on=done.item, detail=done.name)
    return done


def _expiry(upload: Upload) -> dict[str, str]:
    return {"Upload_Expires": formatdate(upload.expires_at / 1000, usegmt=True)}


def _item(upload: Upload) -> dict[str, str]:
    """What the file became; `Densach-Known`: it was in the library before."""
    if upload.item is None:
        return {}
    return {"Densach_Item": upload.item, "Densach_Known": "yes" if upload.known else "no"}


def _metadata(header: str) -> dict[str, str]:
    """`filename d29ybGQ=,folder …`: keys with values in base64. Raises BadInput."""
    said: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            said[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadInput("library.upload-metadata", t("What is said of the file cannot be read (Upload-Metadata).")) from error
    return said


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    name, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise BadInput("library.checksum-unknown", t("The checksum of the piece cannot be read.")) from error
    if name not in CHECKSUMS or len(digest) != hashlib.new(CHECKSUMS[name]).digest_size:
        raise BadInput("library.checksum-unknown", t("The checksum of the piece cannot be read."))
    return CHECKSUMS[name], digest
