"""The table itself: complete, consistent, and counted as the reference counts."""

import pytest

from fedstack.context import VARIABLES, Category, Level, Scope, Variable, category, counts, headline, named, variables
from fedstack.context.options import HEALTH_SCRIPT


def test_rows_are_the_48_and_four_extras() -> None:
    extras = ["X1", "X2", "X3", "X4"]
    assert [row.number for row in VARIABLES] == [f"V{number}" for number in range(1, 49)] + extras
    assert headline() == 48
    assert len({row.name for row in VARIABLES if row.categories}) == 45


def test_counts_by_category() -> None:
    assert list(counts().values()) == [24, 15, 5, 1, 5]


def test_edge_rows_are_supernode_14_and_15() -> None:
    rows = category(Category.SUPERNODE)
    assert [row.name for row in rows[13:]] == ["FL_EDGE_BACKOFF", "FL_EDGE_MAX_BACKOFF"]


@pytest.mark.parametrize("appliance", ["superlink", "supernode"])
def test_no_name_twice_in_an_appliance(appliance: str) -> None:
    names = [row.name for row in variables(appliance)]  # type: ignore[arg-type]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.number)
def test_both_defaults_have_the_form_of_the_row(row: Variable) -> None:
    for default in (row.reference_default, row.default):
        assert default == "" or row.form.accepts(default)
    assert "|" not in row.description


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.number)
def test_rows_of_a_name_agree(row: Variable) -> None:
    assert len({(each.level, each.scope, each.form.type, each.default) for each in named(row.name)}) == 1


@pytest.mark.parametrize(
    ("name", "reference", "ours"),
    [
        ("FLOWER_VERSION", "1.25.0", "1.36.0"),
        ("FL_TLS_ENABLED", "NO", "YES"),
        ("FL_FLEET_API_ADDRESS", "0.0.0.0:9092", ""),
        ("FL_CONTROL_API_ADDRESS", "0.0.0.0:9093", ""),
        ("ML_FRAMEWORK", "pytorch", "sklearn"),
        ("FL_GPU_MEMORY_FRACTION", "0.8", ""),
        ("READY_SCRIPT_PATH", HEALTH_SCRIPT, HEALTH_SCRIPT),
    ],
)
def test_two_columns_of_defaults(name: str, reference: str, ours: str) -> None:
    assert {(row.reference_default, row.default) for row in named(name)} == {(reference, ours)}


def test_only_these_defaults_differ() -> None:
    differing = {row.name for row in VARIABLES if row.reference_default != row.default}
    assert differing == {
        "FLOWER_VERSION",
        "FL_TLS_ENABLED",
        "FL_FLEET_API_ADDRESS",
        "FL_CONTROL_API_ADDRESS",
        "ML_FRAMEWORK",
        "FL_GPU_MEMORY_FRACTION",
        "START_SCRIPT_BASE64",
        "FL_SUPERNODE_AUTH",
    }


def test_levels_and_scopes() -> None:
    context = {row.name for row in VARIABLES if row.level is Level.CONTEXT}
    assert context == {"TOKEN", "NETWORK", "REPORT_READY", "READY_SCRIPT_PATH", "SSH_PUBLIC_KEY", "START_SCRIPT_BASE64"}
    service = {row.name for row in VARIABLES if row.level is Level.SERVICE}
    assert {"FLOWER_VERSION", "FL_TLS_ENABLED", "FL_LOG_LEVEL", "FL_LOG_FORMAT"} <= service
    run = {row.number for row in VARIABLES if row.scope is Scope.RUN}
    assert run == {"V2", "V3", "V4", "V5", "V6", "V12", "V13", "V14", "V15", "V16", "V18"}
    assert {row.number for row in VARIABLES if row.scope is Scope.ROTATION} == {"V45", "V46", "V47"}
