"""Where the appliance comes from: a recipe, an image that exists, the marketplace; and the edge image."""

from pathlib import Path
from typing import Any

import pytest
from support.declared import deploy, service, template

from components import marketplace
from components.errors import SettingsError
from components.settings import read_settings
from fedstack.rules import check_properties

IMAGES = {"superlink": {"image": {"id": 3}}, "supernodes": {"image": {"id": 4}}}
MARKETPLACE = {"appliance": {"source": "marketplace"}, **IMAGES}
SUPERLINK = {"FLOWER_VERSION", "FL_ISOLATION", "FL_DATABASE", "FL_LOG_LEVEL", "FL_TLS_ENABLED"}
SUPERNODE = {
    *("FLOWER_VERSION", "FL_FRAMEWORK", "FL_SUPERLINK_ADDRESS", "FL_NODE_CONFIG", "FL_MAX_RETRIES"),
    *("FL_MAX_WAIT_TIME", "FL_ISOLATION", "FL_LOG_LEVEL", "FL_TLS_ENABLED"),
}


def complaints(raw: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings(raw)
    return error.value.problems


def inputs(raw: dict[str, Any]) -> dict[str, set[str]]:
    """The inputs that a generated template declares, by role, with those of the service."""
    body = template(deploy(raw)[0])
    return {role["name"]: {*body["userInputs"], *role["userInputs"]} for role in body["roles"]}


def with_prefix(names: set[str]) -> set[str]:
    return {f"ONEAPP_{name}" for name in names}


def test_the_marketplace_gets_exactly_its_variables() -> None:
    assert inputs(MARKETPLACE) == {
        "superlink": with_prefix(SUPERLINK),
        "supernode": with_prefix(SUPERNODE - {"FL_SUPERLINK_ADDRESS"}),
    }, "the address is for another topology"
    nodes = {"image": {"id": 4}, "superlinkAddress": "10.0.0.1:9092"}
    site = {"appliance": {"source": "marketplace"}, "topology": "site", "supernodes": nodes}
    assert inputs({**site, "tls": {"enabled": False}}) == {"supernode": with_prefix(SUPERNODE)}
    (line,) = complaints(site)
    assert line.startswith("tls.enabled: expected NO: the marketplace appliance of a site can be given no CA")


def test_the_marketplace_gets_values_and_defaults_of_its_own() -> None:
    declared, outputs = deploy({**MARKETPLACE, "logging": {"level": "DEBUG"}})
    assert service(declared)["userInputsValues"] == {
        "ONEAPP_FLOWER_VERSION": "1.31.0",
        "ONEAPP_FL_ISOLATION": "subprocess",
        "ONEAPP_FL_LOG_LEVEL": "DEBUG",
        "ONEAPP_FL_TLS_ENABLED": "YES",
    }
    values = {role["name"]: role["userInputsValues"] for role in service(declared)["roles"]}
    assert values["superlink"] == {"ONEAPP_FL_DATABASE": "state/state.db"}
    assert values["supernode"]["ONEAPP_FL_FRAMEWORK"] == "pytorch"
    assert template(declared)["roles"][1]["userInputs"]["ONEAPP_FL_FRAMEWORK"] == (
        "O|list|Machine-learning framework|pytorch,tensorflow,sklearn|pytorch"
    )
    assert outputs["runConfig"] == {}
    assert set(template(declared)["roles"][0]["templateContents"]["CONTEXT"]) == {"TOKEN", "NETWORK", "REPORT_READY"}
    disks = {name.rsplit("-", 1)[-1]: each["disks"] for name, each in declared.items() if "disks" in each}
    assert disks == {"superlink": [{"imageId": 3}], "supernode": [{"imageId": 4}]}


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("training", "rounds", 5),
        ("training", "strategy", "Krum"),
        ("checkpoint", "enabled", True),
        ("gpu", "enabled", True),
        ("metrics", "enabled", True),
        ("keepalive", "time", 30),
        ("logging", "format", "json"),
        ("edge", "backoff", "fixed"),
        ("tls", "extraSan", "IP:10.0.0.1"),
        ("supernodes", "useCase", "image-classification"),
        ("superlink", "fleetAddress", "0.0.0.0:9092"),
        ("variables", "FL_METRICS_PORT", 9200),
    ],
)
def test_what_the_marketplace_ignores_is_refused_by_its_key(group: str, key: str, value: Any) -> None:
    raw = {**MARKETPLACE, group: {**MARKETPLACE.get(group, {}), key: value}}  # type: ignore[dict-item]
    (line,) = complaints(raw)
    assert line == f"{group}.{key}: expected no value: the marketplace appliance ignores it"


@pytest.mark.parametrize("level", ["mandatory", "advisory"])
def test_the_policies_know_the_marketplace_s_names(level: str) -> None:
    body = {key: value for key, value in template(deploy(MARKETPLACE)[0]).items() if key != "mark"}
    found = {each.rule.id for each in check_properties(body) if each.rule.level.value == level}
    assert found == ({"ready-script"} if level == "advisory" else set()), "their agent reports by itself"


def test_the_marketplace_reads_five_and_nine_variables() -> None:
    assert {role: len(names) for role, names in marketplace.READ.items()} == {"superlink": 5, "supernode": 9}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"appliance": {"source": "marketplace"}},
            [
                "superlink.image: expected the marketplace's image of this role: its id, or its address as path",
                "supernodes.image: expected the marketplace's image of this role: its id, or its address as path",
            ],
        ),
        ({"appliance": {"source": "id"}}, ["image.id: a value is missing: appliance.source is id"]),
        (
            {"appliance": {"source": "recipe"}, "image": {"id": 3}},
            ["image.id: expected no id: appliance.source is recipe, got 3"],
        ),
        ({"appliance": {"source": "x"}}, ["appliance.source: expected 'recipe', 'id' or 'marketplace', got \"x\""]),
    ],
)
def test_images_that_do_not_fit_the_source_are_refused(raw: dict[str, Any], expected: list[str]) -> None:
    assert list(dict.fromkeys(complaints(raw))) == expected


def test_an_existing_image_for_each_role() -> None:
    declared, _ = deploy({"appliance": {"source": "id"}, **IMAGES})
    assert not [name for name in declared if name.startswith("Image ")]
    assert service(declared)["triggers"]["superlink.image"] == "id 3"
    assert service(declared)["triggers"]["supernodes.image"] == "id 4"


def recipe(folder: Path, version: str, framework: str, edge: bool = False) -> dict[str, Any]:
    """An image from a recipe that says so."""
    folder.mkdir()
    flag = "edge = true\n" if edge else ""
    text = f'name = "x"\n{flag}[flower]\nversion = "{version}"\n[framework]\nname = "{framework}"\n'
    (folder / "image.toml").write_text(text)
    return {"path": str(folder)}


def test_a_recipe_says_what_its_image_holds(tmp_path: Path) -> None:
    declared, outputs = deploy({"image": recipe(tmp_path / "old", "1.31.0", "pytorch")})
    assert outputs["variables"]["FLOWER_VERSION"] == "1.31.0"
    assert outputs["variables"]["ML_FRAMEWORK"] == "pytorch"
    assert outputs["imagePath"] == str(tmp_path / "old")
    assert service(declared)["userInputsValues"]["FLOWER_VERSION"] == "1.31.0"


def test_both_roles_hold_the_same_flower(tmp_path: Path) -> None:
    (line,) = complaints({"supernodes": {"image": recipe(tmp_path / "old", "1.31.0", "sklearn")}})
    assert line == "image: expected one Flower version on both sides, got image 1.36.0, supernodes.image 1.31.0"


def test_an_edge_image_has_no_framework_and_no_gpu(tmp_path: Path) -> None:
    raw = {"supernodes": {"image": recipe(tmp_path / "edge", "1.36.0", "none", edge=True)}}
    names = inputs(raw)["supernode"]
    assert not names & {"ML_FRAMEWORK", "FL_USE_CASE", "FL_GPU_ENABLED", "FL_DCGM_ENABLED"}
    assert {"FL_EDGE_BACKOFF", "FL_EDGE_MAX_BACKOFF", "FL_GRPC_KEEPALIVE_TIME"} <= names
    (line,) = complaints({**raw, "gpu": {"enabled": True}})
    assert line == "gpu.enabled: expected no value: an edge image has no framework and no GPU"


def test_an_existing_edge_image_is_named_as_such() -> None:
    raw = {"supernodes": {"image": {"id": 4}}, "edge": {"enabled": True, "maxBackoff": 60}}
    assert "ML_FRAMEWORK" not in inputs(raw)["supernode"]
    declared, _ = deploy(raw)
    assert service(declared)["triggers"]["edge.maxBackoff"] == "60"
