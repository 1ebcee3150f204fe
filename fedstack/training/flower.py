"""The image's own ``flwr`` command, in the image's own interpreter, several commands in one process."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from fedstack.training.errors import TrainingError, bad_input

COMMANDS = Path(__file__).with_name("commands.py")
INTERRUPTED = "interrupted"
"""The error of a command that :meth:`Flower.interrupt` cut off."""
PATIENCE = 10.0
"""Seconds that the process gets to end by itself."""
QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "NO_COLOR": "1"}
"""Environment that keeps Flower from calling home."""


class CommandFailedError(Exception):
    """A ``flwr`` command ended with an error; ``str()`` is Flower's message."""


class Flower:
    """A process in the image's environment that runs ``flwr`` commands; use it in a ``with`` statement.

    ``environment`` is the folder of the virtual environment, ``home`` becomes FLWR_HOME. It starts at once, so that
    Flower's imports go on while the caller still prepares, and in a session of its own, so that a Ctrl-C in the
    terminal reaches only the caller.
    """

    def __init__(self, environment: Path, home: Path) -> None:
        interpreter = environment / "bin" / "python"
        if not interpreter.exists():
            raise bad_input(f"{environment}: no bin/python in it; expected the virtual environment of a Flower image")
        self._mark = f"{secrets.token_hex(16)} "
        self._process = subprocess.Popen(
            [str(interpreter), "-I", "-u", str(COMMANDS), self._mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **QUIET, "FLWR_HOME": str(home)},
            start_new_session=True,
        )
        self._input = cast(IO[str], self._process.stdin)
        self._output = cast(IO[str], self._process.stdout)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, by force when it takes too long."""
        try:
            self._process.terminate()
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def stream(self, *arguments: str, interruptible: bool = False) -> Iterator[str]:
        """Start one command and give its output line by line (without line ends), as it comes.

        Only an ``interruptible`` command can be cut off by :meth:`interrupt`.

        Raises:
            CommandFailedError: the command ended with an error.
            TrainingError: the process ended.
        """
        try:
            self._input.write(json.dumps({"arguments": arguments, "interruptible": interruptible}) + "\n")
            self._input.flush()
        except BrokenPipeError:
            raise self._gone(self._output.read().strip().rpartition("\n")[2]) from None
        return self._lines()

    def run(self, *arguments: str) -> str:
        """Run one command to its end and return its output; raises as :meth:`stream` does."""
        return "\n".join(self.stream(*arguments))

    def interrupt(self) -> None:
        """Cut off the interruptible command that runs, or the next one, as Ctrl-C in a terminal would."""
        self._process.send_signal(signal.SIGINT)

    def _lines(self) -> Iterator[str]:
        last = ""
        for line in self._output:
            if line.startswith(self._mark):
                error = json.loads(line.removeprefix(self._mark))["error"]
                if error is not None:
                    raise CommandFailedError(error)
                return
            last = line.strip() or last
            yield line.rstrip("\n")
        raise self._gone(last)

    def _gone(self, last: str) -> TrainingError:
        code = self._process.wait()
        return TrainingError(f"flwr ended with code {code}{': ' + last if last else ''}")
