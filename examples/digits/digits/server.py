"""What the SuperLink runs: the rounds, and after each a line of metrics and, where one is due, a checkpoint."""

import json

from flwr.app import ArrayRecord, ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from digits.checkpoints import Checkpoints
from digits.data import held_out
from digits.metrics import watching
from digits.model import Weights, evaluate
from digits.records import from_record, to_record
from digits.strategies import build

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run ``num-server-rounds`` rounds, from the last checkpoint if there is one, and evaluate after each.

    The evaluation, on the held-out examples, is the server's, since each message to a node costs a process there.
    """
    config = context.run_config
    checkpoints, examples = Checkpoints.of(config), held_out()
    fresh = to_record(Weights.zeros()).to_numpy_ndarrays()
    with watching(config) as watcher:
        strategy = build(config, watcher)

        def report(server_round: int, arrays: ArrayRecord) -> MetricRecord:
            accuracy, loss = evaluate(from_record(arrays), examples)
            if server_round:
                watcher.round_ends(accuracy, loss)
                figures = {"round": server_round, "accuracy": accuracy, "loss": loss, "clients": strategy.clients}
                print(f"fedstack.metrics {json.dumps(figures)}", flush=True)
            if checkpoints.save(server_round, arrays.to_numpy_ndarrays()):
                watcher.checkpoint()
            return MetricRecord({"accuracy": accuracy, "loss": loss})

        strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord(list(checkpoints.latest(fresh))),
            num_rounds=int(config["num-server-rounds"]),
            train_config=ConfigRecord(),
            evaluate_fn=report,
        )
