"""What a Prometheus elsewhere scrapes: the ports on which the VMs export metrics (reference 13.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

GPU_PORT = "9400"
"""The port of the DCGM exporter."""

Nodes = Sequence[Mapping[str, Any]]


def scrape_targets(chosen: Mapping[str, str], links: Nodes, nodes: Nodes) -> list[dict[str, Any]]:
    """Targets in the form of Prometheus' file-based discovery; empty while no metrics are on.

    `chosen` are the variables in force of both roles, `links` and `nodes` the VMs of the SuperLink and the SuperNodes.
    """
    jobs = [
        ("fl_training", "superlink", links, chosen.get("FL_METRICS_PORT"), chosen.get("FL_METRICS_ENABLED")),
        ("dcgm_gpu", "supernode", nodes, GPU_PORT, chosen.get("FL_DCGM_ENABLED")),
    ]
    return [
        {
            "targets": [f"{node['ip']}:{port}" for node in machines if node["ip"]],
            "labels": {"job": job, "role": role, "deployment": "flower-opennebula"},
        }
        for job, role, machines, port, enabled in jobs
        if enabled == "YES"
    ]
