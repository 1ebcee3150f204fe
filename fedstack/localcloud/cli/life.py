"""`start` and `stop`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedstack.localcloud import control
from fedstack.localcloud.cli.shared import StateDir, state_dir_of


def start(
    context: typer.Context,
    state_dir: StateDir = None,
    hypervisor: Annotated[
        Literal["process", "simulated"], typer.Option(help="What a VM is: real processes, or nothing but its states.")
    ] = "process",
    guest_reports: Annotated[
        Literal["on", "off"], typer.Option(help="Whether simulated VMs report READY by themselves.")
    ] = "on",
    boot_time: Annotated[float, typer.Option(min=0, help="Seconds until a simulated VM is RUNNING.")] = 0.5,
    rpc_port: Annotated[int, typer.Option(envvar="FEDSTACK_RPC_PORT", help="XML-RPC; 0 = any free port.")] = 2633,
    flow_port: Annotated[int, typer.Option(envvar="FEDSTACK_FLOW_PORT", help="OneFlow; 0 = any.")] = 2474,
    gate_port: Annotated[int, typer.Option(envvar="FEDSTACK_GATE_PORT", help="OneGate; 0 = any.")] = 5030,
    durability: Annotated[
        Literal["normal", "full"], typer.Option(help="What survives: a kill of the process, or a power cut too.")
    ] = "normal",
    host: Annotated[str, typer.Option(help="IP address of all three servers.")] = "127.0.0.1",
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file: serve https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    insecure_bind: Annotated[
        bool, typer.Option("--insecure-bind", help="Allow an address outside of loopback without TLS.")
    ] = False,
    max_vms: Annotated[
        int | None, typer.Option(min=1, help="VMs that may live at once. [300; simulated: 10000]")
    ] = None,
) -> None:
    """Start the local cloud in the background; returns when it answers."""
    options = control.Options(
        state_dir=state_dir_of(context, state_dir),
        hypervisor=hypervisor,
        guest_reports=guest_reports == "on",
        boot_time=boot_time,
        rpc_port=rpc_port,
        flow_port=flow_port,
        gate_port=gate_port,
        durability=durability,
        host=host,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        insecure_bind=insecure_bind,
        max_vms=max_vms,
    )
    started = control.start(options)
    print(f"local cloud: {started['rpc']} (OneFlow {started['flow']}, OneGate {started['gate']})")


def stop(
    context: typer.Context,
    state_dir: StateDir = None,
    keep_vms: Annotated[bool, typer.Option("--keep-vms", help="Leave the VMs running.")] = False,
) -> None:
    """Stop the local cloud and its VMs; its state stays."""
    control.stop(state_dir_of(context, state_dir), destroy_vms=not keep_vms)
    print("local cloud: stopped")
