"""What a SuperNode runs: one training or evaluation message, one process."""

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from digits.data import Examples, sample, shard
from digits.model import evaluate, train
from digits.records import from_record, to_record

app = ClientApp()


@app.train()
def train_round(message: Message, context: Context) -> Message:
    """Train the global model on this node's shard; ``proximal-mu`` in the message is FedProx's."""
    orders = message.content.config_records["config"]
    examples = _examples(context)
    weights = train(
        from_record(_arrays(message)),
        examples,
        rate=float(context.run_config["client-lr"]),
        epochs=int(context.run_config["local-epochs"]),
        mu=float(str(orders.get("proximal-mu", 0.0))),
        seed=int(str(orders["server-round"])),
    )
    metrics = MetricRecord({"num-examples": len(examples[1])})
    return Message(RecordDict({"arrays": to_record(weights), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate_round(message: Message, context: Context) -> Message:
    """Evaluate the global model on this node's shard."""
    examples = _examples(context)
    accuracy, loss = evaluate(from_record(_arrays(message)), examples)
    metrics = MetricRecord({"accuracy": accuracy, "loss": loss, "num-examples": len(examples[1])})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)


def _arrays(message: Message) -> ArrayRecord:
    return message.content.array_records["arrays"]


def _examples(context: Context) -> Examples:
    """Return the node's shard by ``partition-id`` and ``num-partitions``; without both, a sample of its own."""
    partition = context.node_config.get("partition-id")
    partitions = context.node_config.get("num-partitions")
    if partition is None or partitions is None:
        return sample(context.node_id)
    return shard(int(partition), int(partitions))
