"""Every strategy of the digits app with its real server, clients and aggregation, in the image's interpreter."""

import subprocess
from pathlib import Path

import pytest

from fedstack.training.rounds import Round, metrics_line
from tests.integration.training.conftest import ROOT

PROGRAM = Path(__file__).with_name("all_strategies.py")
AT_LEAST = {"FedAvg": 0.93, "FedProx": 0.85, "FedAdam": 0.75, "Krum": 0.91, "Bulyan": 0.93, "FedTrimmedAvg": 0.93}
"""Accuracy after three rounds of five nodes; FedProx (mu 1.0) and FedAdam (step 0.1) are slow by their parameters."""


@pytest.fixture(scope="module")
def runs(image_environment: Path) -> dict[str, list[Round]]:
    """The rounds of each strategy."""
    command = [str(image_environment / "bin" / "python"), str(PROGRAM), str(ROOT / "examples" / "digits")]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    sections = (section.partition("\n") for section in output.split("strategy ")[1:])
    return {name: [one for one in map(metrics_line, lines.splitlines()) if one] for name, _, lines in sections}


def test_every_strategy_of_the_reference_is_there(runs: dict[str, list[Round]]) -> None:
    assert set(runs) == set(AT_LEAST)


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_a_strategy_learns(strategy: str, runs: dict[str, list[Round]]) -> None:
    assert [(one.number, one.clients) for one in runs[strategy]] == [(1, 5), (2, 5), (3, 5)]
    accuracy = runs[strategy][-1].accuracy
    assert accuracy is not None and accuracy >= AT_LEAST[strategy]
