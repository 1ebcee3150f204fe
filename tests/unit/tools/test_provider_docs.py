"""The provider's pages say what its definitions say."""

import re

import pytest

from opennebula_provider.registry import FUNCTIONS, RESOURCES
from tools import provider_docs

PAGES = provider_docs.pages()


def test_every_resource_and_function_has_its_page() -> None:
    names = [one.definition.name for one in (*RESOURCES.values(), *FUNCTIONS.values())]
    assert set(PAGES) == {"README.md", *map(provider_docs.page, names)}
    assert all(f"]({provider_docs.page(name)})" in PAGES["README.md"] for name in names)


def test_no_page_of_something_that_is_gone_is_left() -> None:
    assert {file.name for file in provider_docs.TARGET.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_definitions_say(name: str) -> None:
    assert (provider_docs.TARGET / name).read_text() == PAGES[name], "run `make docs`"


def test_a_page_says_what_a_change_does() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)", PAGES["service.md"], re.MULTILINE))
    assert rows["serviceTemplateId"].startswith("integer | (required) | replaces |")
    assert "| is no difference |" in rows["ignoredInputs"]
    assert "pulumi import opennebula:index:Service service <number>" in PAGES["service.md"]


def test_links_to_types_lead_to_a_heading_of_the_page() -> None:
    for name, text in PAGES.items():
        headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
        assert set(re.findall(r"\]\(#(\w+)\)", text)) == headings, name
