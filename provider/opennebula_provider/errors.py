"""What the provider says when something fails: one message, and for half-made objects also what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ProviderError(Exception):
    """Anything that users shall read; the text is complete and says what to do."""


class FlowError(ProviderError):
    """A OneFlow request that was refused: `status` is the HTTP status, `text` the platform's own words."""

    def __init__(self, call: str, status: int, text: str) -> None:
        super().__init__(f"{call}: {text} (HTTP {status})")
        self.status = status
        self.text = text


class RpcError(ProviderError):
    """An XML-RPC call that was refused: `code` and `object_id` as the platform gave them, `text` its own words."""

    def __init__(self, method: str, code: int, name: str, text: str, object_id: int) -> None:
        about = f", object {object_id}" if object_id >= 0 else ""
        super().__init__(f"{method}: {text} ({name} {code:#06x}{about})")
        self.code = code
        self.text = text
        self.object_id = object_id


class InitFailedError(ProviderError):
    """The object exists but is not what it should be; the engine keeps it in the state with `reasons`."""

    def __init__(self, object_id: str, properties: Mapping[str, Any], inputs: Mapping[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.object_id = object_id
        self.properties = properties
        self.inputs = inputs
        self.reason = reason


def one_line(error: BaseException) -> str:
    """The message for users of any exception; unexpected ones name their kind, never a traceback."""
    text = " ".join(str(error).split())
    if isinstance(error, ProviderError):
        return text
    return f"unexpected {type(error).__name__} in the opennebula provider: {text or 'no further text'}"
