"""A training run on a stack: what the stack says, handed to the training client."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from fedstack.localcloud import images
from fedstack.operations.stack import Stack
from fedstack.training import Connection, Result, Round, train


def run(
    stack: Stack,
    app: Path,
    settings: Mapping[str, str],
    on_round: Callable[[Round], None],
    on_log: Callable[[str], None],
) -> Result:
    """Trains `app` with the stack's run config and the user's `settings` over it.

    The client is the `flwr` of the stack's image, so that both ends speak the same Flower. Raises OperationError,
    TrainingError or ImageError.
    """
    outputs = stack.outputs()
    environment = images.ensure(Path(outputs["imagePath"]), lambda line: print(line, file=sys.stderr))
    connection = Connection(address=outputs["controlEndpoint"], ca_pem=outputs["caCertificate"] or None)
    return train(
        app,
        connection,
        environment,
        outputs["runConfig"],
        stack.project.private / "runs",
        settings=settings,
        on_round=on_round,
        on_log=on_log,
    )
