"""The files of a run: ``metrics.json`` and ``curve.png``."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from fedstack.training.result import Result
from fedstack.training.rounds import Round


def write_metrics(result: Result) -> Path:
    """Write everything that is known of the run to ``metrics.json`` in its folder; return the file."""
    file = result.directory / "metrics.json"
    file.write_text(json.dumps(as_dict(result), indent=2, sort_keys=False) + "\n", encoding="utf-8")
    return file


def as_dict(result: Result) -> dict[str, object]:
    """Return the run as JSON knows it; this is also what ``fedstack train --json`` prints."""
    return {
        "run_id": result.run_id,
        "app": result.app,
        "status": result.status,
        "exit_code": result.exit_code,
        "error": result.error,
        "started": result.started.isoformat(timespec="seconds"),
        "duration_s": round(result.duration, 3),
        "supernodes": result.supernodes,
        "run_config": dict(result.run_config),
        "rounds": [_round(one) for one in result.rounds],
        "directory": str(result.directory),
        "notes": list(result.notes),
    }


def load_plotter() -> None:
    """Import matplotlib, if it is there: that takes over a second, which a run has while its nodes train."""
    with contextlib.suppress(ImportError):
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401


def draw_curve(rounds: Sequence[Round], title: str, file: Path) -> None:
    """Draw accuracy and loss by round as a PNG.

    Raises:
        ImportError: matplotlib (the extra ``train``) is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="round", ylabel="accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    losses = axes.twinx()
    losses.set_ylabel("loss")
    for place, name, colour in ((axes, "accuracy", "tab:blue"), (losses, "loss", "tab:orange")):
        points = [(one.number, value) for one in rounds if (value := getattr(one, name)) is not None]
        place.plot([x for x, _ in points], [y for _, y in points], marker="o", color=colour, label=name)
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))  # from zero: else a step of half a per cent looks like a collapse
    losses.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=2)
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png")


def _round(one: Round) -> dict[str, object]:
    known = {"round": one.number, "accuracy": one.accuracy, "loss": one.loss, "clients": one.clients}
    return {**known, **one.other}
