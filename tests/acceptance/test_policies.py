"""Bad service templates are stopped by the first preview of a fresh stack, before anything exists."""

from collections.abc import Iterator

import pytest
from support.workspace import Workspace

PROGRAM = """
import pulumi
import pulumi_opennebula as one

BAD = pulumi.Config().require("bad")
CONTEXT = {"CONTEXT": {"TOKEN": "YES", "REPORT_READY": "YES"}}
template = one.VirtualMachineTemplate("vm", name="vm", cpu=0.1, memory_mb=64, context={})


def role(name, parents, maximum, context=CONTEXT):
    return one.RoleArgs(
        name=name, type="vm", template_id=template.template_id, cardinality=1, min_vms=1, max_vms=maximum,
        parents=parents, template_contents=context,
    )


one.ServiceTemplate(
    "federation",
    name="federation",
    deployment="none" if BAD == "deployment" else "straight",
    ready_status_gate=BAD != "gate",
    roles=[
        role("superlink", [], 2 if BAD == "elastic" else 1),
        role("supernode", ["superlink"], 4, {"CONTEXT": {"REPORT_READY": "YES"}} if BAD == "token" else CONTEXT),
    ],
)
"""
CASES = {
    "elastic": ("superlink", "max"),
    "token": ("TOKEN", "supernode"),
    "deployment": ("deployment", "straight"),
    "gate": ("ready_status_gate", "true"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("policies"))
    (space.root / "__main__.py").write_text(PROGRAM)
    for case in [*CASES, "none"]:
        (space.root / f"Pulumi.{case}.yaml").write_text(f"config:\n  fedstack:bad: {case}\n")
    space.start_cloud("--hypervisor", "simulated")
    yield space
    space.stop_cloud()


def preview(workspace: Workspace, case: str) -> tuple[int, str]:
    workspace.create_stack(case)
    done = workspace.pulumi("preview", "--policy-pack", "policies", stack=case)
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
