"""The schema: complete, and what the committed SDK was generated from."""

import json
import tomllib
from pathlib import Path

import pytest

from opennebula_provider.provider import resource_of
from opennebula_provider.registry import FUNCTIONS, RESOURCES
from opennebula_provider.schema import package, schema_text

ROOT = Path(__file__).parents[3]
SDK = ROOT / "sdks" / "opennebula" / "pulumi_opennebula"


def _described(spec: dict[str, object]) -> list[str]:
    parts = [*spec["types"].items(), *spec["resources"].items()]
    missing = []
    for name, one in parts:
        for kind in ("properties", "inputProperties"):
            missing += [f"{name}.{key}" for key, value in one.get(kind, {}).items() if not value.get("description")]
    for name, one in spec["functions"].items():
        fields = {**one["inputs"]["properties"], **one["outputs"]["properties"]}
        missing += [f"{name}.{key}" for key, value in fields.items() if not value.get("description")]
    return missing


def test_every_property_has_a_description() -> None:
    assert _described(package()) == []


def test_every_reference_leads_somewhere() -> None:
    text = schema_text()
    types = json.loads(text)["types"]
    references = {part.split('"')[0] for part in text.split('"#/types/')[1:]}
    assert references == set(types)


def test_the_contract_s_names() -> None:
    resources = package()["resources"]
    service = resources["opennebula:index:Service"]
    assert set(service["inputProperties"]) == {
        *("mark", "name", "serviceTemplateId", "roles", "userInputsValues", "readyDeadline", "triggers"),
        *("ignoredInputs", "cooldown", "group", "permissions", "labels"),
    }
    assert {"serviceId", "state", "health", "roleStatus", "endpoint"} <= set(service["required"])
    assert set(resources) == set(RESOURCES)
    assert set(package()["functions"]) == set(FUNCTIONS)


def test_every_resource_carries_mark_and_endpoint() -> None:
    for token, spec in package()["resources"].items():
        if not token.endswith(":Mark"):
            assert "mark" in spec["inputProperties"], token
            assert "endpoint" in spec["properties"], token


def test_defaults_of_the_schema_are_those_that_check_fills_in() -> None:
    image = resource_of("urn:pulumi:s::p::opennebula:index:Image::i").definition
    shown = package()["resources"][image.token]["inputProperties"]
    assert {name: one.default for name, one in image.inputs.items() if one.default is not None} == {
        name: spec["default"] for name, spec in shown.items() if "default" in spec
    }


@pytest.mark.parametrize("token", sorted(RESOURCES))
def test_the_sdk_has_every_property(token: str) -> None:
    name = token.rsplit(":", 1)[1]
    module = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    text = (SDK / f"{module}.py").read_text()
    spec = package()["resources"][token]
    for key in {**spec["inputProperties"], **spec["properties"]}:
        assert f'"{key}"' in text or f"def {key}(" in text, key


@pytest.mark.parametrize("token", sorted(FUNCTIONS))
def test_the_sdk_has_every_function(token: str) -> None:
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in token.rsplit(":", 1)[1])
    text = (SDK / f"{name}.py").read_text()
    spec = package()["functions"][token]
    for key in spec["inputs"]["properties"]:
        assert f"['{key}']" in text, key
    for key in spec["outputs"]["properties"]:
        assert f'"{key}"' in text or f'name="{key}"' in text or f"def {key}(" in text, key


def test_the_sdk_has_the_schema_s_version() -> None:
    project = tomllib.loads((SDK.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == package()["version"]


def test_every_description_of_the_schema_is_in_the_sdk() -> None:
    text = "\n".join(path.read_text() for path in SDK.glob("*.py"))
    for token, spec in package()["resources"].items():
        for key, value in spec["inputProperties"].items():
            assert value["description"].split("\n")[0] in text, f"{token}.{key}: run make sdk"
    for token, spec in package()["functions"].items():
        for key, value in [*spec["inputs"]["properties"].items(), *spec["outputs"]["properties"].items()]:
            assert value["description"].split("\n")[0] in text, f"{token}.{key}: run make sdk"
