"""What the SuperLink runs: the rounds, and one line of metrics after each."""

import json

from flwr.app import ArrayRecord, ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from digits.data import held_out
from digits.model import Weights, evaluate
from digits.records import from_record, to_record
from digits.strategies import build

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run ``num-server-rounds`` rounds and evaluate on the held-out examples after each.

    The evaluation is the server's, since each message to a node costs a Python process there.
    """
    config = context.run_config
    strategy = build(config)
    examples = held_out()

    def report(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        accuracy, loss = evaluate(from_record(arrays), examples)
        if server_round:
            figures = {"round": server_round, "accuracy": accuracy, "loss": loss, "clients": strategy.clients}
            print(f"fedstack.metrics {json.dumps(figures)}", flush=True)
        return MetricRecord({"accuracy": accuracy, "loss": loss})

    strategy.start(
        grid=grid,
        initial_arrays=to_record(Weights.zeros()),
        num_rounds=int(config["num-server-rounds"]),
        train_config=ConfigRecord(),
        evaluate_fn=report,
    )
