"""What a change costs: a setting of runs touches no VM and counts in the next run; a preview names one of boots."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.workspace import Workspace, processes_with


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("scopes"))
    configure(space, "training", "rounds", 1)
    space.start_cloud()
    space.create_stack()
    up(space)
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


def configure(workspace: Workspace, group: str, key: str, value: Any) -> None:
    """Sets one key of `fedstack:federation`."""
    file = workspace.root / "Pulumi.dev.yaml"
    config = yaml.safe_load(file.read_text())
    config["config"]["fedstack:federation"].setdefault(group, {})[key] = value
    file.write_text(yaml.safe_dump(config))


def up(workspace: Workspace) -> str:
    done = workspace.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def flower(workspace: Workspace) -> dict[str, set[int]]:
    """The ids of the Flower processes of each VM, and of its first process."""
    found = {}
    for vm in workspace.vms():
        folder = f"{workspace.cloud['state_dir']}/vms/{vm.ID}"
        own = {pid for pid in processes_with(f"{folder}/") if "launcher.py" in Path(f"/proc/{pid}/cmdline").read_text()}
        found[vm.NAME] = own | {json.loads(Path(folder, "guest.json").read_text())["pid"]}
    return found


def test_a_run_scoped_change_touches_no_vm_and_the_next_run_uses_it(workspace: Workspace) -> None:
    before = flower(workspace)
    assert len(before) == 3 and all(len(own) >= 2 for own in before.values())
    configure(workspace, "training", "rounds", 2)
    changed = up(workspace)
    assert "1 updated" in changed and "replaced" not in changed, changed
    assert flower(workspace) == before
    assert workspace.outputs()["runConfig"]["num-server-rounds"] == "2"
    done = workspace.fedstack("train", "examples/digits")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " rounds=2 " in done.stdout.strip().splitlines()[-1], done.stdout
    assert flower(workspace) == before


def test_the_preview_names_the_key_that_forces_a_replacement(workspace: Workspace) -> None:
    configure(workspace, "logging", "level", "DEBUG")
    shown = workspace.pulumi("preview", "--diff").stdout
    assert "+-opennebula:index:Service: (replace)" in shown, shown
    triggers = shown[shown.index("triggers") :]
    assert 'logging.level: "INFO" => "DEBUG"' in triggers[: triggers.index("}")], shown
