"""Runs a Flower program and says what becomes of it, as JSON lines on a descriptor of its own.

``python launcher.py PROGRAM ARGUMENTS...`` with ``FEDSTACK_EVENTS_FD`` in the environment. It sets gRPC's keepalive
options, which Flower has no flag for, and imports Flower; then it waits for a line on standard input: the import takes
as long as the enrolment of a node. It listens to the logger ``flwr`` whatever the console's log level is, so that a
connection is seen even with FL_LOG_LEVEL=ERROR; and it ends the process when Flower's main function fails, which by
itself would stay alive behind its runtime API.

Standard library and Flower's environment only: this file is run where fedstack is not installed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import logging
import os
import re
import sys
import time
import traceback
from typing import Any, NoReturn

EVENTS_FD = "FEDSTACK_EVENTS_FD"
HIDDEN_REQUESTS = "FEDSTACK_HIDDEN_REQUESTS"
LOG_FORMAT = "FEDSTACK_LOG_FORMAT"
LOG_ROLE = "FEDSTACK_LOG_ROLE"

keepalive = importlib.import_module(f"{__package__}.keepalive" if __package__ else "keepalive")
"""The file beside this one: this one is run as a script, or imported as part of its package."""

_ACTIVATED = re.compile(r"SuperNode ID: (\d+)")
_REFUSED = re.compile(r"details = \"(.*)\"")
_FAILED = 70


class Events(logging.Handler):
    """Turns log records into events for the supervisor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(logging.DEBUG)
        self._descriptor = descriptor
        self.last_error = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Sends an activation; keeps the last error to explain a failure."""
        message = record.getMessage()
        if found := _ACTIVATED.search(message):
            self.send("activated", node_id=found.group(1))
        elif record.levelno >= logging.ERROR:
            self.last_error = message

    def overhear(self, record: logging.LogRecord) -> bool:
        """A filter that drops nothing: the web server logs what ended Flower's start, with the whole traceback."""
        message = record.getMessage().strip()
        if record.levelno >= logging.ERROR and message.startswith("Traceback"):
            self.last_error = message.splitlines()[-1]
        return True

    def send(self, event: str, **data: object) -> None:
        """One event; nobody listening is no reason to stop."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, (json.dumps({"event": event, **data}) + "\n").encode())


class JsonFormatter(logging.Formatter):
    """One JSON object a line (reference 13.1)."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC to the millisecond, level, logger, role, message, source."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "timestamp": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "role": os.environ.get(LOG_ROLE, ""),
            "message": record.getMessage(),
            "source": f"{record.filename}:{record.lineno}",
        }
        return json.dumps(line)


class HideRequests(logging.Filter):
    """Drops the lines that only say that SuperNodes and Flower's own processes ask for work every second."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__()
        self._parts = parts

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a line that holds one of the parts; who reads DEBUG sees everything."""
        message = record.getMessage()
        return record.levelno < logging.INFO or not any(part in message for part in self._parts)


def reason(error: BaseException, last_error: str) -> str:
    """Why Flower failed, on one line: the server's own words where it refused, else what was raised or logged."""
    text = last_error or str(error)
    if found := _REFUSED.search(text):
        return found.group(1).replace('\\"', '"')
    return " ".join(text.split())[:300] or type(error).__name__


def load(program: str) -> Any:
    """The function behind a console script of this environment."""
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=program)
    return entry.load()


def prepare_grpc(events: Events) -> None:
    """Sets the keepalive options; what cannot be set is said, and Flower runs without."""

    def made(side: str, options: dict[str, int | str]) -> None:
        events.send("grpc", side=side, options=options)

    if problem := keepalive.install(made):
        events.send("warning", message=f"the gRPC keepalive cannot be set here ({problem})")


def prepare_logging(events: Events) -> None:
    """Listens to Flower's logger; formats it as JSON when asked to."""
    logger = logging.getLogger("flwr")
    hide = HideRequests(os.environ.get(HIDDEN_REQUESTS, "").split())
    for handler in logger.handlers:
        handler.addFilter(hide)
        if os.environ.get(LOG_FORMAT) == "json":
            handler.format = JsonFormatter().format  # type: ignore[method-assign]
    logger.addHandler(events)
    logging.getLogger("uvicorn.error").addFilter(events.overhear)
    logging.getLogger("uvicorn.access").addFilter(hide)


def main(program: str, arguments: list[str]) -> NoReturn:
    """Runs the program to its end; the process ends with it, even when threads of Flower would go on.

    A SuperNode whose connection is lost for good returns from its main function as if all were well.
    """
    descriptor = int(os.environ.pop(EVENTS_FD))
    os.set_inheritable(descriptor, False)
    events = Events(descriptor)
    prepare_grpc(events)
    run = load(program)
    prepare_logging(events)
    sys.argv = [program, *arguments]
    wait_for_release()
    try:
        run()
    except SystemExit as ending:
        if ending.code not in (None, 0):
            fail(events, ending)
        raise
    except BaseException as error:
        traceback.print_exc()
        fail(events, error)
    fail(events, RuntimeError(f"{program} ended by itself"))


def wait_for_release() -> None:
    """Waits for a line on standard input; when it ends without one, nobody wants this process any more."""
    if not sys.stdin.readline():
        sys.exit(0)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)


def fail(events: Events, error: BaseException) -> NoReturn:
    """Reports the failure and ends the process, whatever its threads do."""
    events.send("failed", reason=reason(error, events.last_error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_FAILED)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
