"""Two zones: a coordinator's stack, a training site's stack that is told the address and the CA, keys by hand."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.workspace import Workspace, processes_with

SIZE = {"cpu": 0.5, "memoryMb": 512}


@pytest.fixture
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("sites"))
    space.start_cloud()
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


def deploy(workspace: Workspace, stack: str, federation: dict[str, Any]) -> dict[str, Any]:
    """A new stack with this configuration; its outputs."""
    config = {"config": {"fedstack:federation": federation}}
    (workspace.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(config))
    workspace.create_stack(stack)
    done = workspace.pulumi("up", "--yes", "--skip-preview", "--policy-pack", "policies", stack=stack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "violation" not in done.stdout.lower(), done.stdout
    printed = workspace.pulumi("stack", "output", "--json", "--show-secrets", stack=stack)
    outputs: dict[str, Any] = json.loads(printed.stdout)
    return outputs


def test_supernodes_of_another_zone_train(workspace: Workspace) -> None:
    coordinator = deploy(workspace, "zone-a", {"topology": "coordinator", "superlink": SIZE})
    assert coordinator["nodeCount"] == 0
    told = {"superlinkAddress": coordinator["fleetEndpoint"]}
    tls = {"caCertificate": coordinator["caCertificate"]}
    site = deploy(workspace, "zone-b", {"topology": "site", "supernodes": {**SIZE, **told}, "tls": tls})
    assert site["fleetEndpoint"] == coordinator["fleetEndpoint"]
    assert len(site["nodeKeys"]) == 2
    for name, key in site["nodeKeys"].items():
        file = workspace.root / f"{name}.pub"
        file.write_text(key)
        enrolled = workspace.fedstack("enrol", str(file), "--stack", "zone-a")
        assert enrolled.returncode == 0, enrolled.stderr
    done = workspace.fedstack("train", "examples/digits", "--stack", "zone-a", "--set", "num-server-rounds=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("rounds=1 supernodes=2"), done.stdout
