"""`fault add|list|clear`: things that shall go wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from fedstack.localcloud.admin import client
from fedstack.localcloud.cli.shared import AsJson, StateDir, print_json, state_dir_of
from fedstack.localcloud.faults.model import KINDS

app = typer.Typer(help="Have something go wrong with VMs, to see what becomes of it.", no_args_is_help=True)


@app.command("add")
def add(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    vm: Annotated[int | None, typer.Option(help="The VM of that id.")] = None,
    name: Annotated[str | None, typer.Option(help="VMs whose name matches, e.g. 'worker_*'.")] = None,
    role: Annotated[str | None, typer.Option(help="VMs of a role.")] = None,
    nth: Annotated[int | None, typer.Option(help="Of those, the n-th that is created from now on.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="How much slower, how long lost, or how long after READY.")
    ] = None,
    times: Annotated[int, typer.Option(help="How often; 0 = every time.")] = 1,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a fault; without a selection it concerns any VM."""
    directory = state_dir_of(context, state_dir)
    added = client.add_fault(directory, kind, vm=vm, name=name, role=role, nth=nth, seconds=seconds, times=times)
    if as_json:
        print_json(added)
        return
    from fedstack.localcloud.cli.tables import selection

    print(f"fault {added['id']}: {added['kind']}, {selection(added)}")


@app.command("list")
def show(context: typer.Context, state_dir: StateDir = None, as_json: AsJson = False) -> None:
    """List the faults, also those that have struck for the last time."""
    from fedstack.localcloud.cli.tables import show_faults

    found = client.faults(state_dir_of(context, state_dir))
    if as_json:
        print_json(found)
    else:
        show_faults(found)


@app.command("clear")
def clear(
    context: typer.Context,
    fault_id: Annotated[int | None, typer.Argument(metavar="[FAULT]", help="Id of the fault; all without it.")] = None,
    state_dir: StateDir = None,
) -> None:
    """Forget one fault or all, and what they still would do."""
    count = client.clear_faults(state_dir_of(context, state_dir), fault_id)
    print(f"{count} fault{'' if count == 1 else 's'} cleared")
