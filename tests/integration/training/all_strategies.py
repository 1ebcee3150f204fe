"""Runs inside the image's interpreter: every strategy of the digits app, its real server and clients in one process.

The argument is the app's folder. Prints the app's own ``fedstack.metrics`` lines.
"""

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flwr.app import Context, Message, RecordDict
from flwr.serverapp import Grid

NODES = 5


class OneProcessGrid(Grid):
    """Gives each message to the client app at once."""

    def __init__(self, client: Any, config: dict[str, Any]) -> None:
        self._client = client
        self._contexts = {
            node: Context(
                run_id=1,
                node_id=node,
                node_config={"partition-id": node - 1, "num-partitions": NODES},
                state=RecordDict(),
                run_config=config,
            )
            for node in range(1, NODES + 1)
        }

    def get_node_ids(self) -> Iterable[int]:
        """Return the nodes 1 to 5."""
        return list(self._contexts)

    def send_and_receive(self, messages: Iterable[Message], **_: Any) -> Iterable[Message]:
        """Return the replies of the client app."""
        return [self._client(message, self._contexts[message.metadata.dst_node_id]) for message in messages]

    def set_run(self, *_: Any, **__: Any) -> Any:
        """Refuse, as the others below: strategies only send and receive in one call."""
        raise TypeError("only send_and_receive")

    @property
    def run(self) -> Any:
        """Nothing: no strategy asks."""
        return None

    create_message = push_messages = pull_messages = set_run


def main(folder: str) -> None:
    """Run the app once with every strategy that it knows; a line ``strategy NAME`` precedes each."""
    sys.path.insert(0, folder)
    from digits.client import app as client
    from digits.server import app as server
    from digits.strategies import CHOICES

    declared = tomllib.loads(Path(folder, "pyproject.toml").read_text())["tool"]["flwr"]["app"]["config"]
    for strategy in CHOICES:
        print(f"strategy {strategy}", flush=True)
        config = {**declared, "strategy": strategy, "min-fit-clients": NODES}
        context = Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config=config)
        server(OneProcessGrid(client, config), context)


if __name__ == "__main__":
    main(sys.argv[1])
