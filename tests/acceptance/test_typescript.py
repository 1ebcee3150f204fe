"""A TypeScript program deploys the federation that the Python components declare; Flower really trains on it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.project import PulumiProject
from support.workspace import BIN, ROOT, Workspace, processes_with

from tools import typescript

pytestmark = pytest.mark.skipif(not shutil.which("npm"), reason="Node.js is optional and not installed here")


@pytest.fixture(scope="module")
def nodejs_host() -> str:
    """The folder of Pulumi's Node.js host, built where the cache lacks it."""
    command = [sys.executable, str(ROOT / "tools/setup.py"), "nodejs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace.create(tmp_path_factory.mktemp("typescript"))
    space.start_cloud()
    yield space
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


@pytest.fixture(scope="module")
def project(workspace: Workspace, nodejs_host: str, tmp_path_factory: pytest.TempPathFactory) -> PulumiProject:
    """The program with its SDK generated and both compiled, as its README says."""
    root = workspace.root / "examples/typescript"
    made = PulumiProject(root, tmp_path_factory.mktemp("private"), workspace.access(), programs=(nodejs_host,))
    made.run("npm", "run", "sdk")
    made.run("npm", "ci", "--ignore-scripts")
    made.run("npm", "run", "build")
    made.create_stack()
    return made


def test_the_generated_sdk_is_compiled_with_its_types(project: PulumiProject) -> None:
    made = project.root / "sdks/nodejs/bin"
    assert (made / "index.js").exists()
    assert "roleStatus" in (made / "service.d.ts").read_text()


def test_it_deploys_what_the_components_declare(project: PulumiProject) -> None:
    shown = project.up()
    assert re.search(r"superlink READY 1/1", shown), shown
    wanted, _ = typescript.declared(typescript.NAME, typescript.settings())
    inputs = {f"{one['type'].rpartition(':')[2]} {name_of(one)}": one.get("inputs", {}) for one in project.resources()}
    assert missing(typescript.described(wanted), typescript.described(inputs)) == []


def name_of(resource: dict[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """The paths at which a wish is not fulfilled; what is there besides (defaults) does not count."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [place for key in wanted for place in missing(wanted[key], found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [place for i, one in enumerate(wanted) for place in missing(one, found[i], f"{path}[{i}]")]
    return [] if wanted == found else [f"{path}: {found!r} instead of {wanted!r}"]


def test_flower_trains_on_it(project: PulumiProject) -> None:
    app = str(ROOT / "examples/digits")
    printed = project.run(str(BIN / "fedstack"), "train", app, "--set", "num-server-rounds=1")
    assert re.fullmatch(r"accuracy=0\.\d{3} rounds=1 supernodes=2", printed.strip().splitlines()[-1]), printed


def test_a_second_look_finds_no_change_and_destroy_leaves_nothing(project: PulumiProject, workspace: Workspace) -> None:
    project.pulumi("preview", "--refresh", "--expect-no-changes")
    project.destroy()
    assert workspace.vms() == []
    assert workspace.flow("service")["DOCUMENT_POOL"] == {}
    assert processes_with(f"{workspace.cloud['state_dir']}/vms/") == []
