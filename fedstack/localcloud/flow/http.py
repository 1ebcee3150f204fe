"""What all OneFlow routes share: basic authentication, JSON bodies, content types and error replies (reference 4)."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fedstack.localcloud.core import jsontext
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.core.users import Sessions
from fedstack.localcloud.flow.errors import FlowError, MalformedError, status_of
from fedstack.localcloud.limits import BodyError, body_of
from fedstack.localcloud.store.database import Store, Transaction
from fedstack.opennebula.errors import ErrorCode, OneError

LOG = logging.getLogger(__name__)
CONTENT_TYPE = "text/html;charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One request, inside its transaction."""

    tx: Transaction
    caller: Caller
    path: dict[str, str]
    text: bytes

    def json(self) -> Any:
        """The body; raises FlowError 400 with the parser's text."""
        try:
            return jsontext.read(self.text)
        except ValueError as error:
            raise FlowError(400, str(error)) from error

    def json_or_nothing(self) -> Any:
        """The body, None when it is no JSON."""
        try:
            return jsontext.read(self.text)
        except ValueError:
            return None

    def number(self, name: str = "id") -> int:
        """A number in the path; raises OneError NO_EXISTS for anything else."""
        number = natural(self.path[name])
        if number is None:
            raise OneError(ErrorCode.NO_EXISTS, f"Error getting document [{self.path[name]}].")
        return number


Reply = tuple[int, Any]
"""Status and JSON (None: no body)."""
Handler = Callable[[Call], Reply]
Endpoint = Callable[[Request], Any]


def endpoints(store: Store, sessions: Sessions) -> Callable[[Handler], Endpoint]:
    """Makes starlette endpoints of plain handlers."""

    def endpoint(handler: Handler) -> Endpoint:
        async def serve(request: Request) -> Response:
            try:
                text = await body_of(request)
            except BodyError as error:
                return _text(error.status, str(error))
            session = _session(request)
            if session is None:
                return _text(401, "A username and password must be provided")
            cause = f"{request.method} {request.url.path}"
            return _answer(store, sessions, session, handler, dict(request.path_params), text, cause)

        return serve

    return endpoint


def _answer(
    store: Store, sessions: Sessions, session: str, handler: Handler, path: dict[str, str], text: bytes, cause: str
) -> Response:
    try:
        with store.begin() as tx, tx.because(cause):
            status, value = handler(Call(tx, _authenticated(sessions, tx, session), path, text))
    except MalformedError as error:
        return _internal(str(error))
    except FlowError as error:
        return _text(error.status, str(error))
    except OneError as error:
        return _text(status_of(error), error.message)
    except Exception as error:
        LOG.exception("request failed")
        return _internal(type(error).__name__)
    return _text(status, "" if value is None else jsontext.pretty(value))


def _internal(reason: str) -> Response:
    return _text(500, jsontext.pretty({"message": "Internal server error", "reason": reason}))


def _authenticated(sessions: Sessions, tx: Transaction, session: str) -> Caller:
    try:
        return sessions.authenticate(tx, session)
    except OneError as error:
        raise FlowError(401, "The username or password is not correct") from error


def _session(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _text(status: int, text: str) -> Response:
    if status == 204:
        return Response(status_code=204)
    return Response(text, status_code=status, headers={"content-type": CONTENT_TYPE})
