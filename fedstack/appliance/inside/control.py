"""Speaks to a SuperLink's Control API over gRPC: one JSON request a line in, one JSON answer a line out.

``python control.py ADDRESS CA-FILE``. Requests: ``{"do": "list"}``, ``{"do": "register", "public_key": PEM}``,
``{"do": "unregister", "node_id": "..."}``, ``{"do": "active-runs"}``. An answer holds ``error`` and ``code`` (gRPC's)
when the SuperLink refused or was away.

Run by the image's interpreter: the messages are those of the Flower version in it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import grpc
from flwr.proto import control_pb2 as messages
from flwr.proto.control_pb2_grpc import ControlStub

_SECONDS = 10.0


def answer(stub: Any, request: dict[str, str]) -> dict[str, Any]:
    """Does one request."""
    match request["do"]:
        case "list":
            nodes = stub.ListNodes(messages.ListNodesRequest(), timeout=_SECONDS).nodes_info
            return {"nodes": [describe(node) for node in nodes]}
        case "register":
            message = messages.RegisterNodeRequest(public_key=request["public_key"].encode())
            return {"node_id": str(stub.RegisterNode(message, timeout=_SECONDS).node_id)}
        case "unregister":
            message = messages.UnregisterNodeRequest(node_id=int(request["node_id"]))
            stub.UnregisterNode(message, timeout=_SECONDS)
            return {}
        case "active-runs":
            runs = stub.ListRuns(messages.ListRunsRequest(), timeout=_SECONDS).run_dict.values()
            return {"runs": sorted(str(run.run_id) for run in runs if run.status.status != "finished")}
        case other:
            return {"error": f"unknown request {other!r}", "code": "UNIMPLEMENTED"}


def describe(node: Any) -> dict[str, str]:
    """A node as JSON."""
    return {"node_id": str(node.node_id), "status": node.status, "public_key": node.public_key.decode()}


def safe_answer(stub: Any, request: dict[str, str]) -> dict[str, Any]:
    """Does one request; a refusal becomes an answer."""
    try:
        return answer(stub, request)
    except grpc.RpcError as error:
        return {"error": " ".join(str(error.details()).split()), "code": error.code().name}


def main(address: str, ca: str) -> None:
    """Answers until its input ends."""
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(Path(ca).read_bytes()))
    stub = ControlStub(channel)
    for line in sys.stdin:
        print(json.dumps(safe_answer(stub, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
