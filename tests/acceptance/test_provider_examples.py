"""The Python examples of docs/provider are one program that deploys, and finds again what it has deployed."""

import re
from collections.abc import Iterator, Sequence

import pytest
from support.project import PulumiProject
from support.workspace import ROOT, Workspace, processes_with

from opennebula_provider.registry import FUNCTIONS, RESOURCES
from opennebula_provider.shape import Definition
from tools.provider_docs import TARGET, page

IMPORT = "import pulumi_opennebula as opennebula\n"
MADE = [one.definition for one in RESOURCES.values()]
FOUND = [one.definition for one in FUNCTIONS.values()]
PROJECT = f"""\
name: examples
runtime: {{name: python, options: {{toolchain: pip, virtualenv: {ROOT / ".venv"}}}}}
packages: {{opennebula: {ROOT / "provider"}}}
"""


def program(definitions: Sequence[Definition]) -> str:
    """The examples of these pages, one after the other."""
    texts = [(TARGET / page(one.name)).read_text() for one in definitions]
    blocks = [block for text in texts for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) == len(definitions)
    return IMPORT + "".join(block.replace(IMPORT, "") for block in blocks)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulumiProject]:
    space = Workspace.create(tmp_path_factory.mktemp("examples"))
    space.start_cloud("--hypervisor", "simulated", "--boot-time", "0.2")
    root = space.root / "project"
    root.mkdir()
    (root / "Pulumi.yaml").write_text(PROJECT)
    made = PulumiProject(root, space.root / "private", space.access())
    made.create_stack()
    yield made
    space.stop_cloud()
    assert processes_with(str(space.root)) == []


def test_the_examples_of_the_resources_deploy(project: PulumiProject) -> None:
    (project.root / "__main__.py").write_text(program(MADE))
    shown = project.up()
    assert f"{len(MADE) + 1} created" in shown, shown


def test_the_examples_of_the_functions_find_them(project: PulumiProject) -> None:
    (project.root / "__main__.py").write_text(program([*MADE, *FOUND]))
    shown = project.pulumi("preview", "--refresh", "--expect-no-changes")
    assert f"{len(MADE) + 1} unchanged" in shown, shown
    project.destroy()
