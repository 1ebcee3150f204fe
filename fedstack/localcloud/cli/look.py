"""`status`, `events` and `logs`: what lives in the cloud, what happens to it, what its VMs print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fedstack.localcloud import control
from fedstack.localcloud.admin import client
from fedstack.localcloud.cli.shared import AsJson, Follow, StateDir, print_json, state_dir_of, until_interrupted


def status(
    context: typer.Context,
    state_dir: StateDir = None,
    as_json: AsJson = False,
    brief: Annotated[bool, typer.Option("--brief", "-b", help="The first line alone.")] = False,
    every_vm: Annotated[bool, typer.Option("--all", "-a", help="List every VM.")] = False,
) -> None:
    """Say whether the local cloud runs, where, and what lives in it; exit code 1 if it does not run."""
    directory = state_dir_of(context, state_dir)
    found = control.status(directory)
    if as_json:
        print_json(found)
    elif found["running"]:
        print(f"running: {found['rpc']}, {found['services']} services, {found['vms']} VMs (pid {found['pid']})")
        if not brief:
            _show_overview(directory, every_vm)
    else:
        print("not running")
    raise typer.Exit(0 if found["running"] else 1)


def _show_overview(directory: Path, every_vm: bool) -> None:
    from fedstack.localcloud.cli import tables

    with until_interrupted():
        tables.show(client.overview(directory), every_vm=every_vm)


def events(
    context: typer.Context,
    state_dir: StateDir = None,
    follow: Follow = False,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="So many of those before.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Show what happened to VMs, roles and services, and with --follow what happens."""
    from rich.console import Console

    from fedstack.localcloud.cli.tables import event_line

    directory = state_dir_of(context, state_dir)
    console = Console(soft_wrap=True)
    with until_interrupted():
        for event in client.events(directory, last=last, follow=follow):
            if as_json:
                print(json.dumps(event), flush=True)
            else:
                console.print(event_line(event))
    if follow:
        raise control.CloudError(f"the local cloud in {directory} has ended")


def logs(
    context: typer.Context,
    vm_id: Annotated[int, typer.Argument(metavar="VM", min=0, help="Id of the VM.")],
    state_dir: StateDir = None,
    follow: Follow = False,
    source: Annotated[str | None, typer.Option(help="One log alone, by the name before the bar.")] = None,
) -> None:
    """Show what a VM printed: its console and the logs in its file system, a line each with the log's name."""
    from fedstack.localcloud.logs import Reader, directory_of

    reader = Reader(directory_of(state_dir_of(context, state_dir), vm_id))
    with until_interrupted():
        for line in reader.follow() if follow else reader.all_lines():
            if source in (None, line.source):
                print(f"{line.source} | {line.text}", flush=follow)
