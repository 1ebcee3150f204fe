"""The environments of the repository, staging and production side by side on one cloud."""

import base64
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.workspace import Workspace

CERTIFICATES = {"caCertificate": "CERTIFICATE", "certificate": "CERTIFICATE", "privateKey": "PRIVATE KEY"}
PACKS = ("--policy-pack", "policies", "--policy-pack-config")


def pem(kind: str) -> str:
    """Base64 of what looks like PEM: simulated VMs read no more of it."""
    return base64.b64encode(f"-----BEGIN {kind}-----\n{secrets.token_hex(30)}\n".encode()).decode()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.running(tmp_path_factory.mktemp("environments"), "--hypervisor", "simulated") as space:
        for stack in ("staging", "prod"):
            space.create_stack(stack)
        yield space


def run(workspace: Workspace, stack: str, command: str, *options: str) -> tuple[int, str]:
    pack = (*PACKS, f"policies/{stack}.json") if command in ("up", "preview") else ()
    agreed = () if command == "preview" else ("--yes",)
    done = workspace.pulumi(command, *agreed, "--suppress-progress", *pack, *options, stack=stack)
    return done.returncode, done.stdout + done.stderr


def change(workspace: Workspace, stack: str, group: str, key: str, value: Any) -> None:
    file = workspace.root / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["fedstack:federation"].setdefault(group, {})[key] = value
    file.write_text(yaml.safe_dump(content))


def machines(workspace: Workspace) -> dict[str, list[int]]:
    """The ids of the VMs of each environment's service."""
    pool = workspace.flow("service")["DOCUMENT_POOL"].get("DOCUMENT", [])
    return {
        service["NAME"].removeprefix("federation-"): sorted(
            node["deploy_id"] for role in service["TEMPLATE"]["BODY"]["roles"] for node in role["nodes"]
        )
        for service in pool
    }


def test_production_demands_certificates_of_the_operator(workspace: Workspace) -> None:
    code, text = run(workspace, "prod", "preview")
    assert code != 0
    assert "operator-certificates" in text
    for name, kind in CERTIFICATES.items():
        path = f"fedstack:federation.tls.{name}"
        done = workspace.pulumi("config", "set", "--secret", "--path", path, pem(kind), stack="prod")
        assert done.returncode == 0, done.stderr
    code, text = run(workspace, "prod", "preview")
    assert code == 0, text


def test_two_environments_on_one_cloud(workspace: Workspace) -> None:
    for stack in ("staging", "prod"):
        code, text = run(workspace, stack, "up")
        assert code == 0, text
    before = machines(workspace)
    assert {stack: len(ids) for stack, ids in before.items()} == {"staging": 4, "prod": 6}
    change(workspace, "staging", "supernodes", "count", 5)
    assert run(workspace, "staging", "up")[0] == 0
    after = machines(workspace)
    assert after["prod"] == before["prod"]
    assert len(after["staging"]) == 6
    for stack in ("staging", "prod"):
        done = workspace.fedstack("drift", "--stack", stack)
        assert done.returncode == 0, done.stdout + done.stderr


def test_production_is_not_replaced_by_accident(workspace: Workspace) -> None:
    before = machines(workspace)["prod"]
    change(workspace, "prod", "logging", "level", "DEBUG")
    code, text = run(workspace, "prod", "up")
    assert code != 0
    assert "protect" in text
    assert machines(workspace)["prod"] == before
    done = workspace.fedstack("preview-report", "--stack", "prod", "--out", "report.md")
    assert done.returncode == 1
    assert "protect" in (workspace.root / "report.md").read_text()
    change(workspace, "prod", "logging", "level", "INFO")
    code, text = run(workspace, "prod", "destroy")
    assert code != 0
    assert machines(workspace)["prod"] == before


def test_production_must_stay_protected(workspace: Workspace) -> None:
    file = workspace.root / "Pulumi.prod.yaml"
    kept = file.read_text()
    file.write_text(kept.replace("protect: true", "protect: false"))
    code, text = run(workspace, "prod", "preview")
    file.write_text(kept)
    assert code != 0
    assert "service-protected" in text


def test_the_end_of_one_environment_is_not_seen_by_the_other(workspace: Workspace) -> None:
    before = machines(workspace)["prod"]
    code, text = run(workspace, "staging", "destroy")
    assert code == 0, text
    assert machines(workspace) == {"prod": before}
    code, text = run(workspace, "prod", "preview", "--refresh", "--expect-no-changes")
    assert code == 0, text
