"""The server process: opens everything, serves until SIGTERM, leaves the machines running.

SIGTERM and SIGINT end the cloud alone; SIGUSR1 undeploys all services and terminates all machines first.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import func, insert, select
from starlette.applications import Starlette

from fedstack.localcloud import binding, connections, directory, sockets, trust
from fedstack.localcloud.admin.server import AdminServer
from fedstack.localcloud.binding import Binding
from fedstack.localcloud.cloud import Cloud
from fedstack.localcloud.core.bootstrap import VERSION, create_world, upgrade
from fedstack.localcloud.core.users import Sessions
from fedstack.localcloud.errors import CloudError
from fedstack.localcloud.flow import listener
from fedstack.localcloud.flow.urls import application as flow_application
from fedstack.localcloud.gate.urls import application as gate_application
from fedstack.localcloud.hypervisors import Hypervisor
from fedstack.localcloud.hypervisors.simulated import SimulatedHypervisor
from fedstack.localcloud.options import Options
from fedstack.localcloud.rpc.urls import application as rpc_application
from fedstack.localcloud.site import Site
from fedstack.localcloud.store.database import Store
from fedstack.localcloud.store.schema import meta, vm
from fedstack.opennebula.states import VmState
from fedstack.processes import start_time

LOG = logging.getLogger(__name__)
Report = Callable[[str], None]

KEEP_ALIVE = 75
"""Seconds that a connection may stay open between two requests."""

_PORTS = (("rpc", "--rpc-port"), ("flow", "--flow-port"), ("gate", "--gate-port"))


class _Server(uvicorn.Server):
    """Three of them share one process: signals are handled once, by the daemon, and no server wakes up for nothing."""

    def __init__(self, app: Starlette, bound: Binding) -> None:
        super().__init__(_config(app, bound))
        self._ended = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Waits for the end; the one of the base class looks ten times a second."""
        await self._ended.wait()

    def end(self) -> None:
        """Lets `serve` return."""
        self.should_exit = True
        self._ended.set()


@dataclass(frozen=True)
class _Opened:
    """Sockets and block of this start."""

    binding: Binding
    ports: dict[str, socket.socket]
    block: int
    claim: socket.socket

    @property
    def numbers(self) -> dict[str, int]:
        return {name: opened.getsockname()[1] for name, opened in self.ports.items()}


def run(options: Options, report: Report) -> None:
    """Serves until a signal ends it; `report` gets the status as JSON once the cloud answers. Raises CloudError."""
    state_dir = options.state_dir.absolute()
    bound = binding.check(options)
    directory.create(state_dir)
    connections.allow_files()
    descriptor = directory.lock(state_dir)
    try:
        kept = _kept(state_dir)
        if bound.certificate is not None:
            trust.use(os.environ, trust.write(state_dir, bound.certificate))
        opened = _open(options, bound, state_dir, kept)
        with asyncio.Runner() as runner:
            runner.run(_serve(options, state_dir, opened, kept, report))
    finally:
        (state_dir / directory.STATUS_FILE).unlink(missing_ok=True)
        os.close(descriptor)


def _kept(state_dir: Path) -> dict[str, Any]:
    """Ports and block of the last start."""
    try:
        kept: dict[str, Any] = json.loads((state_dir / "kept.json").read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _open(options: Options, bound: Binding, state_dir: Path, kept: dict[str, Any]) -> _Opened:
    wanted = {"rpc": options.rpc_port, "flow": options.flow_port, "gate": options.gate_port}
    ports = {name: sockets.listen(bound.host, wanted[name], option, kept.get(name)) for name, option in _PORTS}
    block, claim = sockets.claim_block(state_dir, kept.get("block"))
    opened = _Opened(bound, ports, block, claim)
    values = {**opened.numbers, "block": block, "hypervisor": kept.get("hypervisor", options.hypervisor)}
    directory.write_private(state_dir / "kept.json", json.dumps(values))
    return opened


def _site(options: Options, state_dir: Path, opened: _Opened) -> Site:
    base = {name: opened.binding.url(number) for name, number in opened.numbers.items()}
    return Site(
        state_dir=state_dir,
        gate_url=base["gate"],
        flow_url=base["flow"],
        rpc_url=f"{base['rpc']}/RPC2",
        block=opened.block,
        listen_address=opened.binding.host,
        autoscaler_interval=options.autoscaler_interval,
        max_vms=options.most_vms,
    )


async def _serve(options: Options, state_dir: Path, opened: _Opened, kept: dict[str, Any], report: Report) -> None:
    store = Store(state_dir / directory.DATABASE, _site(options, state_dir, opened), full=options.durability == "full")
    (state_dir / directory.DATABASE).chmod(0o600)
    _bootstrap(store, state_dir)
    _check_hypervisor(store, state_dir, options, kept)
    store.listeners.append(listener.on_event)
    cloud = Cloud(store, lambda on_exit, ready: _hypervisor(options, on_exit, ready))
    ended = _on_signals()
    await cloud.resume()
    admin = AdminServer(store, cloud.faults)
    await admin.open()
    sessions = Sessions()
    applications = {
        "rpc": rpc_application(store, sessions),
        "flow": flow_application(store, sessions),
        "gate": gate_application(store),
    }
    servers = {name: _Server(app, opened.binding) for name, app in applications.items()}
    tasks = [asyncio.create_task(server.serve([opened.ports[name]])) for name, server in servers.items()]
    _announce(store.site, state_dir, options, report)
    if await ended == signal.SIGUSR1:
        await cloud.destroy_machines()
    for server in servers.values():
        server.end()
    await asyncio.gather(*tasks)
    await admin.close()
    await cloud.close()
    store.close()


def _config(app: Starlette, bound: Binding) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections.Connection,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
        date_header=False,
        ws="none",
        ssl_certfile=bound.certificate,
        ssl_keyfile=bound.key,
    )


def _bootstrap(store: Store, state_dir: Path) -> None:
    secret = directory.password(state_dir)
    with store.begin() as tx:
        version = tx.value(select(meta.c.value).where(meta.c.key == "version"))
        if version is None:
            create_world(tx, secret)
        elif version < VERSION:
            upgrade(tx)
        tx.run(insert(meta).prefix_with("OR REPLACE"), {"key": "version", "value": VERSION})


def _check_hypervisor(store: Store, state_dir: Path, options: Options, kept: dict[str, Any]) -> None:
    """Machines of one hypervisor cannot be taken over by another."""
    before = kept.get("hypervisor", options.hypervisor)
    with store.begin() as tx:
        living = tx.value(select(func.count()).select_from(vm).where(vm.c.state != VmState.DONE))
    if living and before != options.hypervisor:
        raise CloudError(
            f"{state_dir} has {living} machines of the hypervisor {before}: start it with --hypervisor {before}, or use"
            " another --state-dir"
        )
    values = {**_kept(state_dir), "hypervisor": options.hypervisor}
    directory.write_private(state_dir / "kept.json", json.dumps(values))


def _hypervisor(options: Options, on_exit: Callable[[int], None], ready: Callable[[int], None]) -> Hypervisor:
    if options.hypervisor == "simulated":
        report = ready if options.guest_reports else None
        return SimulatedHypervisor(on_exit, boot_time=options.boot_time, report=report)
    module = import_module("fedstack.localcloud.hypervisors.process")
    hypervisor: Hypervisor = module.ProcessHypervisor(on_exit)
    return hypervisor


def _on_signals() -> asyncio.Future[int]:
    """A future that the first of our signals fulfils."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(number: int) -> None:
        if not ended.done():
            ended.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        loop.add_signal_handler(number, end, number)
    return ended


def _announce(site: Site, state_dir: Path, options: Options, report: Report) -> None:
    status = {
        "pid": os.getpid(),
        "started": start_time(os.getpid()),
        "rpc": site.rpc_url,
        "flow": site.flow_url,
        "gate": site.gate_url,
        "auth_file": str(state_dir / directory.AUTH_FILE),
        "state_dir": str(state_dir),
        "hypervisor": options.hypervisor,
        "block": site.block,
        "authorities": str(state_dir / trust.FILE) if site.rpc_url.startswith("https:") else "",
    }
    directory.write_private(state_dir / directory.STATUS_FILE, json.dumps(status, indent=2) + "\n")
    report(json.dumps(status))
    LOG.info("serving %s, %s, %s", site.rpc_url, site.flow_url, site.gate_url)
