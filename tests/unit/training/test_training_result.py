"""The words and the files of a run that ended."""

import json
from datetime import UTC, datetime
from pathlib import Path

from fedstack.training import Result, Round, final_line, round_line
from fedstack.training.record import draw_curve, write_metrics
from fedstack.training.result import figure

ROUNDS = [Round(1, 0.9, 0.5, 2), Round(2, 0.95, 0.25, 2, {"f1": 0.9}), Round(3)]


def result(directory: Path, rounds: list[Round], supernodes: int | None = 2) -> Result:
    started = datetime(2026, 4, 1, 12, tzinfo=UTC)
    return Result(
        "17", "digits 1.0", "finished:completed", rounds, {"rate": 0.1}, supernodes, started, 21.5, directory, 0
    )


def test_the_final_line_has_the_last_known_accuracy(tmp_path: Path) -> None:
    assert final_line(result(tmp_path, ROUNDS)) == "accuracy=0.950 rounds=3 supernodes=2"


def test_the_final_line_says_none_for_what_is_not_known(tmp_path: Path) -> None:
    assert final_line(result(tmp_path, [], None)) == "accuracy=none rounds=0 supernodes=none"


def test_a_round_is_one_line() -> None:
    assert round_line(ROUNDS[0]) == "round 1  accuracy 0.900  loss 0.500  clients 2"
    assert round_line(ROUNDS[2]) == "round 3  accuracy none  loss none"


def test_figures_are_cut_and_never_rounded_up() -> None:
    texts = [figure(value) for value in (0.8999, 0.57, 1.0, 2.30258, 0.0, 1e-9)]
    assert texts == ["0.899", "0.570", "1.000", "2.302", "0.000", "0.000"]


def test_the_metrics_file_holds_the_run(tmp_path: Path) -> None:
    data = json.loads(write_metrics(result(tmp_path, ROUNDS)).read_text())
    assert data["run_id"] == "17"
    assert data["started"] == "2026-04-01T12:00:00+00:00"
    assert data["run_config"] == {"rate": 0.1}
    assert data["rounds"][1] == {"round": 2, "accuracy": 0.95, "loss": 0.25, "clients": 2, "f1": 0.9}


def test_the_curve_is_a_png_even_when_figures_are_missing(tmp_path: Path) -> None:
    draw_curve(ROUNDS, "digits", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
