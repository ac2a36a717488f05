"""Structured logs on standard error, one line each; the journal adds the time when there is one."""

import logging
import os
import sys
from typing import Any

import structlog


def configure(*, level: str = "info", as_json: bool | None = None) -> None:
    """Sets up structlog and the standard library's loggers for a server process. Call once, at its start."""
    journal = bool(os.environ.get("JOURNAL_STREAM"))
    render: Any
    if as_json if as_json is not None else not sys.stderr.isatty() and not journal:
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        render = structlog.processors.LogfmtRenderer(key_order=["level", "event"], bool_as_flag=False)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        *([] if journal else [structlog.processors.TimeStamper(fmt="iso", utc=True)]),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=render, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
