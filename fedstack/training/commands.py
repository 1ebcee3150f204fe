"""Runs inside the image's interpreter, not in ours: ``flwr`` commands, one after another, in one process.

Importing Flower's command takes two to three seconds; a run needs three commands. Each line of the standard input is
one command, ``{"arguments": [...], "interruptible": false}``. Its output is followed by one line: the mark that the
caller chose, and ``{"error": null}`` or the message. SIGINT ends an interruptible command, the running or the next one.
"""

import json
import signal
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

interrupts: list[int] = []


def main() -> None:
    """Serve commands until the input ends."""
    signal.signal(signal.SIGINT, remember)
    mark = sys.argv[1]
    scripts = tuple(entry_points(group="console_scripts", name="flwr"))
    if not scripts:
        sys.exit(f"no flwr command is installed in {sys.prefix}")
    flwr = scripts[0].load()
    for line in sys.stdin:
        command = json.loads(line)
        error = follow(flwr, command["arguments"]) if command["interruptible"] else run(flwr, command["arguments"])
        sys.stderr.flush()
        print(f"\n{mark}{json.dumps({'error': error})}", flush=True)


def remember(number: int, _frame: object) -> None:
    """Keep an interrupt for the next interruptible command."""
    interrupts.append(number)


def cut(number: int, frame: object) -> None:
    """Keep the interrupt and end what runs; Flower handles that in several ways."""
    remember(number, frame)
    raise KeyboardInterrupt


def follow(flwr: Callable[..., Any], arguments: list[str]) -> str | None:
    """Run one interruptible command; return "interrupted", what went wrong, or None."""
    error = None
    signal.signal(signal.SIGINT, cut)
    try:
        if not interrupts:
            error = run(flwr, arguments)
    except KeyboardInterrupt:
        error = None
    finally:
        signal.signal(signal.SIGINT, remember)
    return "interrupted" if interrupts else error


def run(flwr: Callable[..., Any], arguments: list[str]) -> str | None:
    """Run one command; return what went wrong, or None."""
    try:
        code = flwr(arguments, prog_name="flwr", standalone_mode=False)
    except SystemExit as end:
        code = end.code
    except Exception as problem:  # whatever it is, the caller shows it as one message
        return str(getattr(problem, "message", "")) or str(problem) or type(problem).__name__
    return f"exit code {code}" if isinstance(code, int) and code else None


if __name__ == "__main__":
    main()
