"""Logs: one JSON object a line on standard error. Events are codes; what arrived, secrets and persons never stand in them."""

import logging
import sys
import traceback
from pathlib import Path
from typing import TextIO

import structlog

PLACES_MAX = 6
ROOT = Path(__file__).parents[1]


def configure(to: TextIO | None = None) -> None:
    """Everything that is logged in this process goes to ``to`` (None: standard error) as JSON, libraries' warnings too."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(to or sys.stderr),  # as it is now: tests and pipes replace it
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(each, _Libraries) for each in root.handlers):
        root.addHandler(_Libraries(logging.WARNING))


def where(error: BaseException) -> list[str]:
    """The last places in our own files that the error passed, innermost last; never its message, which may quote what arrived."""
    places = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            places.append(f"{path.relative_to(ROOT)}:{frame.lineno}")
    return places[-PLACES_MAX:]


class _Libraries(logging.Handler):
    """What a library says, without what it says it about: its arguments and exceptions may quote what arrived."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger().log(
            min(record.levelno, logging.CRITICAL),
            "library",
            library=record.name,
            says=record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
            error=type(error).__name__ if error is not None else None,
        )
