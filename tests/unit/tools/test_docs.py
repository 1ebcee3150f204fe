"""The generated tables are up to date, and what the documentation shows is accepted."""

import re

import pytest
import yaml

from components.settings import read_settings
from fedstack.context import NAMES
from tools import docs

EXAMPLES = [
    example
    for name in ("configuration.md", "edge.md")
    for example in re.findall(r"```yaml\n(.*?)```", (docs.DOCS / name).read_text(), re.DOTALL)
]


@pytest.mark.parametrize("name", docs.TABLES)
def test_the_committed_table_is_what_the_code_says(name: str) -> None:
    text = (docs.DOCS / name).read_text()
    assert docs.renewed(name, text) == text, "run `make docs`"


def test_every_key_and_every_variable_has_its_row() -> None:
    settings, variables = docs.settings_table(), docs.variables_table()
    assert all(
        f"| `{key}` |" in settings for key in ("supernodes.count", "network.addressRanges[].size", "tls.enabled")
    )
    assert all(f"| `{name}` |" in variables for name in NAMES)


def test_every_key_says_what_it_means() -> None:
    rows = [line.rsplit("|", 2) for line in docs.settings_table().splitlines()[2:]]
    assert [row for row in rows if not row[1].strip()] == []


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the lines"):
        docs.renewed("configuration.md", "nothing")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_good_settings(example: str) -> None:
    read_settings(yaml.safe_load(example)["config"]["fedstack:federation"])
