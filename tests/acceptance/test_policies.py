"""Bad service templates are stopped by the first preview of a fresh stack, before anything exists."""

from collections.abc import Iterator

import pytest
from support.workspace import Workspace

PROGRAM = """
import pulumi
import pulumi_opennebula as one

BAD = pulumi.Config().require("bad")
HEALTH = "/opt/flower/scripts/health-check.sh"
CONTEXT = {"CONTEXT": {"TOKEN": "YES", "NETWORK": "YES", "REPORT_READY": "YES", "READY_SCRIPT_PATH": HEALTH}}
network = one.VirtualNetwork("net", name="net", address_ranges=[one.AddressRangeArgs(size=8, ipam="local")])
template = one.VirtualMachineTemplate(
    "vm", name="vm", cpu=0.1, memory_mb=64, context={}, nics=[one.NicArgs(network_id=network.network_id)]
)


def role(name, parents, count, maximum, context=CONTEXT):
    return one.RoleArgs(
        name=name, type="vm", template_id=template.template_id, cardinality=count, min_vms=count, max_vms=maximum,
        parents=parents, template_contents=context, cooldown=60,
    )


one.ServiceTemplate(
    "federation",
    name="federation",
    deployment="none" if BAD == "deployment" else "straight",
    ready_status_gate=BAD != "gate",
    roles=[
        role("superlink", [], 1, 2 if BAD == "elastic" else 1),
        role("supernode", ["superlink"], 2, 4, {"CONTEXT": {"REPORT_READY": "YES"}} if BAD == "token" else CONTEXT),
    ],
)
"""
CASES = {
    "elastic": ("superlink", "max"),
    "token": ("TOKEN", "supernode"),
    "deployment": ("deployment", "straight"),
    "gate": ("ready_status_gate", "true"),
}

ENVIRONMENTS = {"dev": True, "staging": True, "prod": False}
"""Whether a good template with generated certificates passes."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("policies"))
    (space.root / "__main__.py").write_text(PROGRAM)
    for case in [*CASES, "none", *ENVIRONMENTS]:
        bad = case if case in CASES else "none"
        (space.root / f"Pulumi.{case}.yaml").write_text(f"config:\n  fedstack:bad: {bad}\n")
    space.start_cloud("--hypervisor", "simulated")
    yield space
    space.stop_cloud()


def preview(workspace: Workspace, case: str, *arguments: str) -> tuple[int, str]:
    workspace.create_stack(case)
    done = workspace.pulumi("preview", "--policy-pack", "policies", *arguments, stack=case)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_first_preview_is_blocked(workspace: Workspace, case: str) -> None:
    code, text = preview(workspace, case)
    assert code != 0, text
    assert "[mandatory]" in text or "mandatory" in text.lower()
    for word in CASES[case]:
        assert word in text, text
    assert "fix" in text.lower()
    assert "Traceback" not in text
    assert workspace.vms() == []
    assert workspace.flow("service_template")["DOCUMENT_POOL"] == {}


def test_a_good_template_passes(workspace: Workspace) -> None:
    code, text = preview(workspace, "none")
    assert code == 0, text
    assert "violation" not in text.lower()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_decides_on_levels_and_options(workspace: Workspace, environment: str) -> None:
    code, text = preview(workspace, environment, "--policy-pack-config", f"policies/{environment}.json")
    passes = ENVIRONMENTS[environment]
    assert (code == 0) is passes, text
    assert ("operator-certificates" in text) is not passes
    assert "Traceback" not in text
