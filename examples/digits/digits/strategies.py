"""Which Flower strategy runs, as a table: class, its own parameters, and how many clients it needs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Bulyan, FedAdam, FedAvg, FedProx, FedTrimmedAvg, Krum

from digits.metrics import Watcher

RunConfig = Mapping[str, bool | float | int | str]


@dataclass(frozen=True)
class Choice:
    """A strategy, its constructor arguments by run-config key, and its least number of clients for f malicious ones."""

    strategy: type[FedAvg]
    parameters: Mapping[str, str] = field(default_factory=dict)
    least_clients: Callable[[int], int] = lambda _: 1


CHOICES: Mapping[str, Choice] = {
    "FedAvg": Choice(FedAvg),
    "FedProx": Choice(FedProx, {"proximal-mu": "proximal_mu"}),
    "FedAdam": Choice(FedAdam, {"server-lr": "eta", "client-lr": "eta_l"}),
    "Krum": Choice(Krum, {"num-malicious": "num_malicious_nodes"}, lambda f: 2 * f + 3 if f else 1),
    "Bulyan": Choice(Bulyan, {"num-malicious": "num_malicious_nodes"}, lambda f: 4 * f + 3),
    "FedTrimmedAvg": Choice(FedTrimmedAvg, {"trim-beta": "beta"}),
}


class NoClientTrainedError(Exception):
    """No node of a round could train; the message says why."""


class Attentive(FedAvg):
    """Mixed in before a strategy: tells a watcher of each round's clients, and ends a run in which none could train."""

    clients: int = 0
    watcher: Watcher

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Select nodes as the strategy does."""
        messages = list(super().configure_train(server_round, arrays, config, grid))
        self.watcher.round_begins(server_round, connected=len(list(grid.get_node_ids())), selected=len(messages))
        return messages

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Aggregate as the strategy does.

        Raises:
            NoClientTrainedError: no reply of the round carries a result.
        """
        received = list(replies)
        errors = [str(reply.error.reason) for reply in received if reply.has_error()]
        self.clients = len(received) - len(errors)
        self.watcher.replies(responded=self.clients, failed=len(errors))
        if not self.clients:
            raise NoClientTrainedError(f"round {server_round}: {'; '.join(errors) or 'no reply'}")
        return super().aggregate_train(server_round, received)


def build(config: RunConfig, watcher: Watcher) -> Attentive:
    """Return the strategy that the run config names.

    Raises:
        ValueError: the strategy is unknown, or needs more clients than ``min-fit-clients``.
    """
    name = str(config["strategy"])
    if name not in CHOICES:
        raise ValueError(f"strategy={name!r}: expected one of {', '.join(CHOICES)}")
    choice = CHOICES[name]
    _check_clients(name, choice, config)
    attentive = type(name, (Attentive, choice.strategy), {})
    strategy: Attentive = attentive(
        fraction_evaluate=float(config["fraction-evaluate"]),
        min_train_nodes=int(config["min-fit-clients"]),
        min_evaluate_nodes=int(config["min-evaluate-clients"]),
        min_available_nodes=int(config["min-available-clients"]),
        **{argument: config[key] for key, argument in choice.parameters.items()},
    )
    strategy.watcher = watcher
    return strategy


def _check_clients(name: str, choice: Choice, config: RunConfig) -> None:
    malicious, clients = int(config["num-malicious"]), int(config["min-fit-clients"])
    least = choice.least_clients(malicious)
    if clients < least:
        raise ValueError(
            f"{name} with num-malicious={malicious} needs min-fit-clients of at least {least}, got {clients}"
        )
