"""What all commands share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fedstack.localcloud.options import Options

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StateDir = Annotated[Path | None, typer.Option(help="Where the cloud keeps its state. [.fedstack/cloud]")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")]


def state_dir_of(context: typer.Context, given: Path | None) -> Path:
    """The directory that was named, else the project's."""
    default = context.obj or (lambda: Options().state_dir)
    return Path(given or default()).absolute()


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C ends the command quietly with 130; so does, with 0, a reader of our output that has gone away."""
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def print_json(value: object) -> None:
    """For `--json`."""
    print(json.dumps(value, indent=2, default=str))
