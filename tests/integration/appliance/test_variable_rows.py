"""All 48 rows of the registry and the extras, in really started processes and really submitted runs."""

from collections.abc import Iterator

import pytest

from fedstack.context import VARIABLES, Variable, effective, headline, validate
from tests.integration.appliance import variable_boots
from tests.integration.appliance.federation import cloud
from tests.integration.appliance.machines import Site
from tests.integration.appliance.variable_boots import Evidence
from tests.integration.appliance.variable_rows import CONTEXTS, OPERATOR, SERVER, TABLE

pytestmark = pytest.mark.xdist_group("federation")

every_row = pytest.mark.parametrize("row", VARIABLES, ids=lambda row: f"{row.number}-{row.name}")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    directory = tmp_path_factory.mktemp("rows")
    with cloud(directory / "cloud") as running:
        yield variable_boots.gather(Site(running), directory, CONTEXTS, SERVER)


def test_the_table_has_the_rows_of_the_registry() -> None:
    assert list(TABLE) == [row.number for row in VARIABLES]
    assert headline() == 48


@every_row
def test_level_and_both_defaults(row: Variable) -> None:
    expected = TABLE[row.number]
    assert (row.level, row.reference_default, row.default) == (expected.level, expected.reference, expected.ours)
    for appliance in row.appliances:
        assert effective(appliance, {})[row.name] == expected.ours


@every_row
def test_a_good_value_is_accepted_and_a_bad_one_named(row: Variable) -> None:
    good, bad = TABLE[row.number].good, TABLE[row.number].bad
    values = OPERATOR if row.form.material else {row.name: good}
    for appliance in row.appliances:
        assert validate(appliance, {**values, "ML_FRAMEWORK": "sklearn", row.name: good}, material=True) == []
        assert effective(appliance, {row.name: good})[row.name] == (good.upper() if row.form.any_case else good)
        wrong = validate(appliance, {row.name: bad}, material=True) if bad is not None else []
        assert [each.variable for each in wrong] == ([] if bad is None else [row.name])


@every_row
def test_what_the_value_becomes(row: Variable, evidence: Evidence) -> None:
    expected = TABLE[row.number]
    expected.becomes(evidence, expected.good)


def test_a_run_gets_the_parameters_of_its_own_strategy_only(evidence: Evidence) -> None:
    """Others keep what the app itself declares."""
    parameters = {"proximal-mu": 0.0, "server-lr": 0.0, "client-lr": 0.0, "num-malicious": 0, "trim-beta": 0.0}
    set_by = {
        strategy: {key for key, unset in parameters.items() if config[key] != unset}
        for strategy, config in evidence.runs.items()
    }
    assert set_by == {
        "FedProx": {"proximal-mu"},
        "FedAdam": {"server-lr", "client-lr"},
        "Krum": {"num-malicious"},
        "FedTrimmedAvg": {"trim-beta"},
    }
