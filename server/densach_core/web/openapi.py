"""`/api/openapi.json`, made from the routes and the Structs they take and answer; `/api/docs` shows it to people."""

import re
from typing import Any

import msgspec
from aiohttp import web

from densach_core.text import t
from densach_core.web.keys import SITE
from densach_core.web.respond import render
from densach_core.web.routes import EVERYONE, Route, Routes

routes = Routes("core")
ROUTES: "web.AppKey[list[Route]]" = web.AppKey("routes")
PROBLEM = {
    "type": "object",
    "required": ["status", "code", "title"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "detail": {"type": ["string", "null"]},
    },
}


def describe(every: list[Route], title: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API routes."""
    api = [route for route in every if route.api and route.path.startswith("/api/v1/")]
    kinds = [kind for route in api for kind in (route.answers, route.takes) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in api:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        operation: dict[str, Any] = {
            "summary": route.summary,
            "operationId": f"{route.method.lower()}{re.sub(r'[^a-zA-Z0-9]+', '_', path)}",
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"\{(\w+)\}", path)
            ],
            "responses": {
                str(route.status): _content("The answer", by_kind.get(id(route.answers))),
                "4XX": _content("What is wrong", {"$ref": "#/components/schemas/Problem"}, "application/problem+json"),
            },
            "security": [] if route.access.open else [{"token": []}],
        }
        if route.takes is not None:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": by_kind[id(route.takes)]}}}
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(description: str, schema: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"description": description} | ({"content": {kind: {"schema": schema}}} if schema is not None else {})


@routes.get("/api/openapi.json", who=EVERYONE)
async def document(request: web.Request) -> web.Response:
    body = msgspec.json.encode(describe(request.app[ROUTES], request.app[SITE].name))
    return web.Response(body=body, content_type="application/json")


@routes.get("/api/docs", who=EVERYONE)
async def docs(request: web.Request) -> web.Response:
    api = describe(request.app[ROUTES], request.app[SITE].name)
    return render(request, "core/api.html", title=t("Programming interface"), api=api)
