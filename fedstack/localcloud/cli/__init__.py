"""`fedstack cloud ...`: the commands of the local cloud; nothing of the rest of the package is needed for them.

The composition root names the default state directory through the context's object, a function; without it that is
`.fedstack/cloud` below the current directory.
"""

from __future__ import annotations

import typer

from fedstack.localcloud.cli import faults, life, look

__all__ = ["app"]

app = typer.Typer(help="The local cloud: an OpenNebula that fits in one process.", no_args_is_help=True)
app.command("start")(life.start)
app.command("status")(look.status)
app.command("events")(look.events)
app.command("logs")(look.logs)
app.add_typer(faults.app, name="fault")
app.command("stop")(life.stop)
