"""kill -9 at random moments under a random load: nothing acknowledged is lost, nothing is given twice or stuck."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.integration.localcloud.kill_clients import Client, Guests, Ledger, Operator

KILLS = int(os.environ.get("FEDSTACK_KILLS", "3"))
SEED = int(os.environ.get("FEDSTACK_KILLS_SEED", "7"))
FINAL = {2, 4}
"""RUNNING, or WARNING: nothing in this load may fail."""


def consistent(connection: sqlite3.Connection) -> None:
    """Nothing is given twice, and what belongs together is there together."""
    queries = {
        "VMs that are done hold leases": "SELECT l.* FROM lease l JOIN vm v ON v.id = l.vm_id WHERE v.state = 6",
        "leases of no VM": "SELECT vm_id FROM lease WHERE vm_id >= 0 AND vm_id NOT IN (SELECT id FROM vm)",
        "VMs with two leases": "SELECT vm_id FROM lease WHERE vm_id >= 0 GROUP BY vm_id HAVING count(*) > 1",
        "addresses given twice": "SELECT json_extract(template, '$.NIC[0].IP') ip FROM vm WHERE state != 6"
        " AND ip IS NOT NULL GROUP BY ip HAVING count(*) > 1",
        "nodes without a VM": "SELECT vm_id FROM node WHERE vm_id NOT IN (SELECT id FROM vm)",
        "VMs of a service without a node": "SELECT id FROM vm WHERE state != 6"
        " AND json_extract(user_template, '$.SERVICE_ID') IS NOT NULL AND id NOT IN (SELECT vm_id FROM node)",
        "nodes of no service": "SELECT * FROM node WHERE service_id NOT IN (SELECT id FROM service)",
        "services without a document": "SELECT id FROM service WHERE id NOT IN (SELECT id FROM document)",
        "roles whose nodes do not match their count": "SELECT service_id, name, cardinality FROM role r"
        " WHERE cardinality != (SELECT count(*) FROM node n WHERE n.service_id = r.service_id AND n.role = r.name)",
        "wrong lease counts": "SELECT * FROM address_range a WHERE used != (SELECT count(*) FROM lease l"
        " WHERE l.network_id = a.network_id AND l.ar_id = a.ar_id)",
        "VMs on their way": "SELECT id FROM vm WHERE state NOT IN (2, 6) AND (state != 3 OR lcm_state != 3)",
    }
    found = {what: connection.execute(query).fetchall() for what, query in queries.items()}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {what: rows for what, rows in found.items() if rows} == {}


def nothing_lost(connection: sqlite3.Connection, ledger: Ledger) -> None:
    """Every acknowledged call has had its effect."""
    templates = dict(connection.execute("SELECT id, name FROM vm_template").fetchall())
    assert ledger.templates.items() <= templates.items()
    machines = {row[0] for row in connection.execute("SELECT id FROM vm WHERE state = 2")}
    assert set(ledger.machines) <= machines
    services = {row[0] for row in connection.execute("SELECT id FROM service")}
    assert set(ledger.services) - ledger.doomed <= services
    assert not ledger.deleted & services
    counts = dict(connection.execute("SELECT service_id, cardinality FROM role WHERE name = 'child'").fetchall())
    kept = {one: count for one, count in ledger.cardinality.items() if one not in ledger.doomed}
    assert {one: counts[one] for one in kept} == kept
    reports = {row[0]: json.loads(row[1]) for row in connection.execute("SELECT id, user_template FROM vm")}
    assert {vm_id: reports[vm_id].get("PROOF") for vm_id in ledger.reports} == ledger.reports


def nothing_twice(ledgers: Sequence[Ledger]) -> None:
    """No id was given to two callers."""
    for kind in ("services", "templates", "machines"):
        given = [one for ledger in ledgers for one in getattr(ledger, kind)]
        assert len(given) == len(set(given)), kind


def _killed(cloud: Any, clients: Sequence[Client]) -> None:
    chance = random.Random(SEED)  # noqa: S311
    clock = threading.Event()
    for client in clients:
        client.start()
    try:
        for _ in range(KILLS):
            clock.wait(chance.uniform(0.05, 0.9))
            cloud.kill()
            cloud.restart()
        clock.wait(0.5)
    finally:
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join(60)


def _settle(cloud: Any, until: Any, guests: Guests) -> None:
    """Lets the machines report until every service is where it stays."""

    def final() -> bool:
        guests.step()
        pool = cloud.flow("GET", "service").json()["DOCUMENT_POOL"].get("DOCUMENT", [])
        return all(one["TEMPLATE"]["BODY"]["state"] in FINAL for one in pool)

    until(final, "all services in a final state", 60)


def test_random_kills_under_load(new_cloud: Any, until: Any) -> None:
    cloud = new_cloud(boot_time=0.02, guest_reports=False)
    cloud.network(4000)
    template_id = cloud.template()
    operators = [Operator(cloud, f"operator{place}", SEED + place, template_id) for place in range(4)]
    guests = Guests(cloud, "guests", SEED)
    _killed(cloud, [*operators, guests])
    _settle(cloud, until, guests)
    connection = sqlite3.connect(f"file:{cloud.status['state_dir']}/cloud.db?mode=ro", uri=True)
    ledgers = [one.ledger for one in (*operators, guests)]
    nothing_twice(ledgers)
    for ledger in ledgers:
        nothing_lost(connection, ledger)
    consistent(connection)
    connection.close()
    assert "Traceback" not in (Path(cloud.status["state_dir"]) / "cloud.log").read_text()
    made = sum(len(one.services) for one in ledgers)
    assert made
    figures = f"{sum(one.calls for one in ledgers)} calls, {made} services, {len(guests.ledger.reports)} reports"
    print(f"kills: {KILLS}, {figures}, no losses, no duplicates, no service stuck")
