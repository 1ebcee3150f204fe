"""What a run does, as it does it: kept for Prometheus where the run config asks for that, else for nobody.

The names are those of fedstack's dashboards and alerts. No label is a round: that would be a new series each.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from digits import places

IDLE, RUNNING, COMPLETE, FAILED = range(4)
BUCKETS = (1, 5, 10, 30, 60, 120, 300, 600)


class Watcher:
    """Hears what happens in a run, and does nothing."""

    def round_begins(self, number: int, connected: int, selected: int) -> None:
        """So many nodes are connected, so many of them will train."""

    def replies(self, responded: int, failed: int) -> None:
        """The nodes of the round have trained, or have failed to."""

    def round_ends(self, accuracy: float, loss: float) -> None:
        """The round's model was evaluated."""

    def checkpoint(self) -> None:
        """A checkpoint was saved."""

    def run_ends(self, status: int) -> None:
        """The run is complete, or has failed."""


class Exporter(Watcher):
    """Serves what it hears on ``http://<address>:<port>/metrics`` as long as the process lives.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, address: str, port: int, strategy: str, rounds: int) -> None:
        import prometheus_client as prometheus

        prometheus.disable_created_metrics()
        registry = prometheus.CollectorRegistry()

        def gauge(name: str, text: str) -> Any:
            return prometheus.Gauge(f"fl_{name}", text, registry=registry)

        def labelled(kind: Any, name: str, text: str, **more: Any) -> Any:
            return kind(f"fl_{name}", text, ["strategy"], registry=registry, **more).labels(strategy)

        self._round = labelled(prometheus.Gauge, "round_current", "Number of the round that has begun")
        self._total = labelled(prometheus.Gauge, "round_total", "Number of rounds of the run")
        self._duration = labelled(prometheus.Histogram, "round_duration_seconds", "Length of a round", buckets=BUCKETS)
        self._loss = labelled(prometheus.Gauge, "aggregated_loss", "Loss of the global model")
        self._accuracy = labelled(prometheus.Gauge, "aggregated_accuracy", "Accuracy of the global model")
        self._connected = gauge("clients_connected", "Nodes that were connected when the round began")
        self._selected = gauge("clients_selected", "Nodes that were asked to train in the round")
        self._responded = gauge("clients_responded", "Nodes that have trained in the round")
        self._failed = prometheus.Counter("fl_clients_failed", "Nodes that failed to train", registry=registry)
        self._saved = prometheus.Counter("fl_checkpoint_saved_total", "Saved checkpoints", registry=registry)
        self._status = gauge("training_status", "0 idle, 1 running, 2 complete, 3 failed")
        self._begun = time.monotonic()
        self._total.set(rounds)
        prometheus.start_http_server(port, address, registry)

    def round_begins(self, number: int, connected: int, selected: int) -> None:
        """Keep the round's number and the time."""
        self._begun = time.monotonic()
        self._status.set(RUNNING)
        self._round.set(number)
        self._connected.set(connected)
        self._selected.set(selected)

    def replies(self, responded: int, failed: int) -> None:
        """Count them."""
        self._responded.set(responded)
        self._failed.inc(failed)

    def round_ends(self, accuracy: float, loss: float) -> None:
        """Keep figures and duration."""
        self._accuracy.set(accuracy)
        self._loss.set(loss)
        self._duration.observe(time.monotonic() - self._begun)

    def checkpoint(self) -> None:
        """Count it."""
        self._saved.inc()

    def run_ends(self, status: int) -> None:
        """Keep how."""
        self._status.set(status)


@contextmanager
def watching(config: Mapping[str, Any]) -> Iterator[Watcher]:
    """Give the run's watcher, which learns by itself how the run ends."""
    watcher = _watcher(config)
    try:
        yield watcher
    except BaseException:
        watcher.run_ends(FAILED)
        raise
    watcher.run_ends(COMPLETE)


def _watcher(config: Mapping[str, Any]) -> Watcher:
    """Return an exporter where one is asked for; a port that is taken costs the metrics, not the run."""
    if not config["metrics-enabled"]:
        return Watcher()
    address, port = places.address(), int(config["metrics-port"])
    try:
        return Exporter(address, port, str(config["strategy"]), int(config["num-server-rounds"]))
    except OSError as error:
        logging.getLogger("flwr").warning("no metrics of this run on %s:%s: %s", address, port, error.strerror)
        return Watcher()
