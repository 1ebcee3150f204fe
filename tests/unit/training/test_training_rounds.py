"""Rounds out of log lines: the app's own metrics line, and what Flower's strategies log."""

from fedstack.training.rounds import Round, RoundReader, metrics_line, plain

MESSAGE_API = """\
\x1b[92mINFO \x1b[0m:      Initial global evaluation results: {'accuracy': 0.1, 'loss': 2.3}
\x1b[92mINFO \x1b[0m:      [ROUND 1/2]
\x1b[92mINFO \x1b[0m:      configure_train: Sampled 2 nodes (out of 3)
\x1b[92mINFO \x1b[0m:      aggregate_train: Received 2 results and 1 failures
\x1b[92mINFO \x1b[0m:      \t└──> Aggregated MetricRecord: {'train_loss': 0.7}
\x1b[92mINFO \x1b[0m:      aggregate_evaluate: Received 3 results and 0 failures
\x1b[92mINFO \x1b[0m:      \t└──> Aggregated MetricRecord: {'eval_loss': 0.5, 'eval_acc': 0.81}
\x1b[92mINFO \x1b[0m:      [ROUND 2/2]
\x1b[92mINFO \x1b[0m:      aggregate_train: Received 3 results and 0 failures
\x1b[92mINFO \x1b[0m:      \t└──> MetricRecord: {'accuracy': 0.9, 'loss': 0.3}
\x1b[92mINFO \x1b[0m:      Strategy execution finished in 9.10s
"""

LEGACY_API = """\
INFO :      [ROUND 1]
INFO :      aggregate_fit: received 2 results and 0 failures
INFO :      fit progress: (1, 0.42, {'accuracy': 0.88}, 3.5)
INFO :      [SUMMARY]
"""


def read(text: str) -> list[Round]:
    reader = RoundReader()
    rounds = [reader.feed(plain(line)) for line in text.splitlines()] + [reader.finish()]
    return [one for one in rounds if one is not None]


def test_the_metrics_line_is_found_behind_any_prefix() -> None:
    line = 'INFO :   fedstack.metrics {"round": 2, "accuracy": 0.95, "loss": 0.2, "clients": 4, "f1": 0.9} done'
    assert metrics_line(line) == Round(2, accuracy=0.95, loss=0.2, clients=4, other={"f1": 0.9})


def test_lines_that_are_no_metrics_lines_are_none() -> None:
    for line in ("", "fedstack.metrics", "fedstack.metrics {", "fedstack.metrics [1]", "fedstack.metricsx {}"):
        assert metrics_line(line) is None
    for round_number in ('"1"', "0", "-1", "1.5", "true", "null"):
        assert metrics_line(f'fedstack.metrics {{"round": {round_number}, "loss": 1}}') is None


def test_figures_that_are_no_numbers_are_left_out() -> None:
    line = 'fedstack.metrics {"round": 1, "accuracy": "high", "loss": null, "note": "x", "done": true}'
    assert metrics_line(line) == Round(1)


def test_metrics_lines_take_the_clients_from_flower_and_silence_its_own_figures() -> None:
    text = MESSAGE_API.replace("[ROUND 2/2]", 'x\nfedstack.metrics {"round": 1, "accuracy": 0.7}\n[ROUND 2/2]')
    assert read(text) == [Round(1, accuracy=0.7, clients=2)]


def test_without_metrics_lines_flowers_own_log_is_read() -> None:
    assert read(MESSAGE_API) == [
        Round(1, accuracy=0.81, loss=0.5, clients=2, other={"train_loss": 0.7}),
        Round(2, accuracy=0.9, loss=0.3, clients=3),
    ]


def test_the_legacy_log_is_read_too() -> None:
    assert read(LEGACY_API) == [Round(1, accuracy=0.88, loss=0.42, clients=2)]


def test_a_round_is_given_as_soon_as_the_next_one_begins() -> None:
    reader = RoundReader()
    assert reader.feed("[ROUND 1/2]") is None
    assert reader.feed("MetricRecord: {'loss': 0.5}") is None
    assert reader.feed("[ROUND 2/2]") == Round(1, loss=0.5)


def test_records_that_cannot_be_read_are_skipped() -> None:
    assert read("[ROUND 1/1]\nMetricRecord: {broken}\nMetricRecord: {1, 2}\nMetricRecord: {'loss': nan}") == [Round(1)]


def test_a_log_without_rounds_gives_none() -> None:
    assert read("nothing\nat all") == []
