"""The TypeScript example carries what the components declare, and installs nothing that is not pinned."""

import json

from tools import typescript

EXAMPLE = typescript.TARGET.parent


def test_the_data_of_the_example_are_what_the_components_declare() -> None:
    assert typescript.TARGET.read_text() == typescript.text(), "run `make docs`"


def test_every_package_is_pinned_by_its_hash_and_no_registry_is_named() -> None:
    packages = json.loads((EXAMPLE / "package-lock.json").read_text())["packages"]
    foreign = {name: one for name, one in packages.items() if name not in {"", "sdks/nodejs"} and not one.get("link")}
    assert foreign
    assert [name for name, one in foreign.items() if not one["integrity"].startswith("sha512-")] == []
    assert [name for name, one in foreign.items() if "resolved" in one] == []
