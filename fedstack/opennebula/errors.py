"""Error codes of the XML-RPC API and the exception that carries one."""

from enum import IntEnum


class ErrorCode(IntEnum):
    """The third member of a failed XML-RPC reply."""

    AUTHENTICATION = 0x0100
    AUTHORIZATION = 0x0200
    NO_EXISTS = 0x0400
    ACTION = 0x0800
    RPC_API = 0x1000
    INTERNAL = 0x2000
    ALLOCATE = 0x4000
    LOCKED = 0x8000
    REPLICATION = 0x10000


class OneError(Exception):
    """A call that OpenNebula refuses.

    `message` is the text without the `[method]` prefix, `object_id` the object it is about (-1: none).
    """

    def __init__(self, code: ErrorCode, message: str, object_id: int = -1) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.object_id = object_id
