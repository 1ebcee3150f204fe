"""The line that names why a run failed."""

from fedstack.training.failure import FailureReader, readable

SERVER = """\
ERROR :     ServerApp raised an exception
Traceback (most recent call last):
  File "a.py", line 1, in f
    raise KeyError("x")
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/run_serverapp.py", line 203, in run_serverapp
    context = run_(
              ^^^^^
my.package.DataError: no data in this federation
INFO :      bye
"""


def read(text: str) -> FailureReader:
    reader = FailureReader()
    for line in text.splitlines():
        reader.feed(line)
    return reader


def test_the_last_exception_of_the_server_is_named() -> None:
    assert read(SERVER).exception == "my.package.DataError: no data in this federation"


def test_a_log_without_exception_names_none() -> None:
    reader = read("INFO : fine\n")
    assert reader.exception is None
    assert reader.untrained is None


def test_a_run_in_which_no_client_trained_has_its_reason() -> None:
    reader = read(
        "aggregate_train: Received 0 results and 2 failures\n"
        "\t> Received error in reply from node 12: <class 'builtins.ValueError'>:<'no shard'>\n"
    )
    assert reader.untrained == "ValueError: no shard"


def test_replies_that_never_came_are_a_reason_too() -> None:
    assert read("aggregate_train: Received 0 results and 0 failures").untrained == "no reply"


def test_one_round_with_a_result_is_enough() -> None:
    reader = read(
        "aggregate_train: Received 1 results and 1 failures\naggregate_train: Received 0 results and 2 failures"
    )
    assert reader.untrained is None


def test_flowers_error_texts_are_made_readable() -> None:
    assert readable("<class 'ZeroDivisionError'>:<'division by zero'>") == "ZeroDivisionError: division by zero"
    assert readable(" anything else ") == "anything else"
