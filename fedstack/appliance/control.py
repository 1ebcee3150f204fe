"""The Control API of this VM's SuperLink, through a helper that the image's interpreter runs.

The helper is started when it is needed and ended after a while without work: importing Flower takes a second and
80 MB. One request is on its way at a time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedstack.appliance import keys

_ANSWER_SECONDS = 30.0
_TRANSIENT = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN", "INTERNAL"}
_LINE_BYTES = 16 * 1024 * 1024


class ControlError(Exception):
    """The SuperLink did not answer, or refused."""


class RefusedError(ControlError):
    """The SuperLink said no; asking again does not help."""


@dataclass(frozen=True)
class RegisteredNode:
    """A node that the SuperLink knows; `status` is Flower's word (registered, online, offline, unregistered)."""

    node_id: str
    status: str
    fingerprint: str


class Control:
    """Lists, registers and unregisters SuperNodes; lists runs."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = dict(environment)
        self._helper: asyncio.subprocess.Process | None = None

    async def nodes(self) -> list[RegisteredNode]:
        """Every node that the SuperLink has ever registered."""
        listed = (await self._ask({"do": "list"}))["nodes"]
        return [
            RegisteredNode(node["node_id"], node["status"], keys.fingerprint(keys.from_pem(node["public_key"])))
            for node in listed
        ]

    async def register(self, public: str) -> RegisteredNode:
        """Registers an OpenSSH public key. Raises ControlError, ValueError when it is no key."""
        answer = await self._ask({"do": "register", "public_key": keys.to_pem(public)})
        return RegisteredNode(answer["node_id"], "registered", keys.fingerprint(public))

    async def unregister(self, node_id: str) -> None:
        """Takes a node's right to connect away, for good: Flower never registers the same key again."""
        await self._ask({"do": "unregister", "node_id": node_id})

    async def active_runs(self) -> list[str]:
        """Ids of the runs that have not finished."""
        return [str(run) for run in (await self._ask({"do": "active-runs"}))["runs"]]

    async def warm_up(self) -> None:
        """Starts the helper now, because it will be needed soon."""
        if self._helper is None:
            self._helper = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
                limit=_LINE_BYTES,
            )

    async def close(self) -> None:
        """Ends the helper."""
        helper, self._helper = self._helper, None
        if helper and helper.stdin:
            helper.stdin.close()
            await helper.wait()

    async def _ask(self, request: Mapping[str, str]) -> dict[str, Any]:
        await self.warm_up()
        helper = self._helper
        if not (helper and helper.stdin and helper.stdout):
            raise ControlError("the Control API's client did not start")
        try:
            helper.stdin.write((json.dumps(request) + "\n").encode())
            line = await asyncio.wait_for(helper.stdout.readline(), _ANSWER_SECONDS)
        except (OSError, TimeoutError) as error:
            await self._give_up(helper)
            raise ControlError(f"the Control API's client does not answer ({type(error).__name__})") from None
        if not line:
            await self._give_up(helper)
            raise ControlError("the Control API's client ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            kind = ControlError if answer["code"] in _TRANSIENT else RefusedError
            raise kind(answer["error"])
        return answer

    async def _give_up(self, helper: asyncio.subprocess.Process) -> None:
        self._helper = None
        if helper.returncode is None:
            helper.kill()
        await helper.wait()
