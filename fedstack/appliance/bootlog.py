"""The boot log: ``[time] [level] [flower-<stage>] message``, one line each (reference 3.1)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stage = Literal["configure", "discover", "bootstrap", "report"]
"""What a line belongs to: the stages of reference 3.2 and 4.2."""


@dataclass
class BootLog:
    """Appends to ``flower-bootstrap.log`` and prints the same line to the console; `stage` is of the lines to come."""

    path: Path
    stage: Stage = "bootstrap"

    def write(self, level: str, message: str) -> None:
        """One line, with the time in UTC to the millisecond."""
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        line = f"[{stamp}] [{level}] [flower-{self.stage}] {' '.join(message.split())}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            print(line, file=file)
        print(line, flush=True)

    def info(self, message: str) -> None:
        """A line of level INFO."""
        self.write("INFO", message)

    def warning(self, message: str) -> None:
        """A line of level WARNING."""
        self.write("WARNING", message)
