"""Training runs: submit a Flower app to a federation, follow it, keep its figures and its curve."""

from fedstack.training.app import App, read_app
from fedstack.training.connection import Connection
from fedstack.training.errors import TrainingError
from fedstack.training.record import as_dict
from fedstack.training.result import Result, final_line, round_line
from fedstack.training.rounds import Round
from fedstack.training.run import train
from fedstack.training.runconfig import parse_settings

__all__ = [
    "App",
    "Connection",
    "Result",
    "Round",
    "TrainingError",
    "as_dict",
    "final_line",
    "parse_settings",
    "read_app",
    "round_line",
    "train",
]
