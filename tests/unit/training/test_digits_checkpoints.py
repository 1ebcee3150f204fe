"""The example's checkpoints: which rounds, which files, what is loaded again, and what a crash leaves."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

APP = Path(__file__).resolve().parents[3] / "examples" / "digits"
FRESH = [np.zeros((2, 3)), np.zeros(3)]
MODEL = [np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])]


@pytest.fixture(scope="module")
def checkpoints() -> Iterator[ModuleType]:
    """The module of the app, which is installed nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(APP)
        patch.delenv("FEDSTACK_APP_ROOT", raising=False)
        from digits import checkpoints

        yield checkpoints
    for name in [name for name in sys.modules if name.partition(".")[0] == "digits"]:
        del sys.modules[name]


def config(folder: Path | str, **values: object) -> dict[str, object]:
    keys = {"checkpoint-enabled": True, "checkpoint-interval": 2, "checkpoint-path": str(folder)}
    return {**keys, "num-server-rounds": 5, **{key.replace("_", "-"): value for key, value in values.items()}}


def saved_rounds(checkpoints: ModuleType, chosen: dict[str, object]) -> list[int]:
    made = checkpoints.Checkpoints.of(chosen)
    return [number for number in range(6) if made.save(number, MODEL)]


def test_every_second_round_and_the_last_are_saved(checkpoints: ModuleType, tmp_path: Path) -> None:
    assert saved_rounds(checkpoints, config(tmp_path / "made")) == [2, 4, 5]
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "checkpoint_round_2.npz",
        "checkpoint_round_4.npz",
        "checkpoint_round_5.npz",
        "checkpoint_latest.npz",
        "checkpoint_latest.json",
    }
    assert (tmp_path / "made/checkpoint_latest.npz").readlink() == Path("checkpoint_round_5.npz")
    note = json.loads((tmp_path / "made/checkpoint_latest.json").read_text())
    assert (note["round"], note["num_arrays"]) == (5, 2)
    assert datetime.now(UTC) - datetime.fromisoformat(note["timestamp"]) < timedelta(minutes=1)


def test_nothing_is_saved_or_loaded_when_it_is_off(checkpoints: ModuleType, tmp_path: Path) -> None:
    chosen = config(tmp_path)
    assert saved_rounds(checkpoints, chosen) != []
    off = checkpoints.Checkpoints.of({**chosen, "checkpoint-enabled": False})
    assert off.save(5, MODEL) is None
    assert off.latest(FRESH) is FRESH


def test_the_next_run_loads_what_the_last_one_saved(checkpoints: ModuleType, tmp_path: Path) -> None:
    made = checkpoints.Checkpoints.of(config(tmp_path))
    assert made.latest(FRESH) is FRESH
    made.save(2, MODEL)
    made.save(4, [2 * array for array in MODEL])
    loaded = made.latest(FRESH)
    assert [array.tolist() for array in loaded] == [(2 * array).tolist() for array in MODEL]


def test_more_than_ten_arrays_keep_their_order(checkpoints: ModuleType, tmp_path: Path) -> None:
    made = checkpoints.Checkpoints.of(config(tmp_path))
    made.save(2, [np.array([number]) for number in range(12)])
    assert [int(array[0]) for array in made.latest([np.zeros(1)] * 12)] == list(range(12))


def test_another_models_checkpoint_is_refused(checkpoints: ModuleType, tmp_path: Path) -> None:
    made = checkpoints.Checkpoints.of(config(tmp_path))
    made.save(2, MODEL)
    with pytest.raises(ValueError, match=r"checkpoint_latest.npz: arrays of the shapes .*: another model's"):
        made.latest([np.zeros(3)])


def test_a_save_that_was_cut_off_leaves_the_one_before(
    checkpoints: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoints.Checkpoints.of(config(tmp_path))
    made.save(2, MODEL)

    def cut(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
        patch.setattr(os, "fsync", cut)
        made.save(4, [2 * array for array in MODEL])
    assert not (tmp_path / "checkpoint_round_4.npz").exists()
    assert [array.tolist() for array in made.latest(FRESH)] == [array.tolist() for array in MODEL]
    assert made.save(4, MODEL)


def test_a_container_path_is_below_the_root_that_the_superlink_names(
    checkpoints: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDSTACK_APP_ROOT", str(tmp_path))
    for given, place in (
        ("/app/models", "models"),
        ("models", "models"),
        ("/apples", "apples"),
        ("/data/models", "data/models"),
    ):
        assert checkpoints.Checkpoints.of(config(given)).folder == tmp_path / place
