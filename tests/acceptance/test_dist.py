"""What `make dist` builds works without this repository: a plain program on a fresh Pulumi, seen by the real CLI."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.project import PulumiProject
from support.workspace import BIN, ROOT, Workspace, processes_with

from tools import dist


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel of the SDK and the archive of the plugin."""
    sdk, plugin = dist.build(tmp_path_factory.mktemp("dist"))
    return sdk, plugin


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("checkout"))
    space.start_cloud("--hypervisor", "simulated", "--boot-time", "0.2")
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


@pytest.fixture(scope="module")
def project(
    workspace: Workspace, files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PulumiProject]:
    """The example with everything installed as provider/README.md says, far from any checkout."""
    home = tmp_path_factory.mktemp("elsewhere")
    root = shutil.copytree(ROOT / "examples/provider-only", home / "project")
    made = PulumiProject(root, home / "private", workspace.access())
    sdk, plugin = files
    made.run(str(BIN / "python"), "-m", "venv", "venv")
    pins = str(ROOT / "requirements.txt")
    made.run(str(BIN / "uv"), "pip", "install", "--python", "venv/bin/python", "--constraint", pins, str(sdk))
    made.run("pulumi", "plugin", "install", "resource", "opennebula", dist.version(), "--file", str(plugin))
    made.create_stack()
    made.pulumi("config", "set", "image", str(root))
    yield made
    assert processes_with(str(home)) == []


def test_the_same_sources_give_the_same_bytes(files: tuple[Path, Path], tmp_path: Path) -> None:
    again = dist.build(tmp_path)
    assert [made.read_bytes() for made in again] == [made.read_bytes() for made in files]


def test_the_plugin_is_complete_in_its_own_folder(project: PulumiProject) -> None:
    folder = project.private / f"home/plugins/resource-opennebula-v{dist.version()}"
    script = "import fedstack.oneflow.elasticity as a, opennebula_provider.server as b; print(a.__file__, b.__file__)"
    printed = project.run("env", f"PYTHONPATH={folder}", f"{folder}/venv/bin/python", "-c", script)
    assert all(place.startswith(str(folder)) for place in printed.split()), printed


def test_the_example_is_deployed_and_stays_as_it_is(project: PulumiProject, workspace: Workspace) -> None:
    project.up()
    addresses = project.outputs()["addresses"]
    assert {role: len(found) for role, found in addresses.items()} == {"front": 1, "worker": 2}
    assert addresses["front"] == ["10.20.0.10"]
    assert len(workspace.vms()) == 3
    project.pulumi("preview", "--refresh", "--expect-no-changes")


def test_more_workers_are_one_update_and_destroy_leaves_nothing(project: PulumiProject, workspace: Workspace) -> None:
    project.pulumi("config", "set", "workers", "4")
    assert "1 updated" in project.up()
    assert len(project.outputs()["addresses"]["worker"]) == 4
    project.destroy()
    assert workspace.vms() == []
    assert workspace.flow("service_template")["DOCUMENT_POOL"] == {}
