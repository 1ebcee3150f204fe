"""The engine as the provider sees it: where messages go, and whose end is the provider's end too."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio

from .wire import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine at `address` (`host:port`; empty: there is none, messages are dropped)."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address) if address else None
        self._stub: Any = engine_pb2_grpc.EngineStub(self._channel) if self._channel else None

    async def status(self, urn: str, text: str) -> None:
        """Shows text as the live status of a resource; it leaves no line behind."""
        await self._log(urn, text, engine_pb2.INFO, ephemeral=True)

    async def warn(self, urn: str, text: str) -> None:
        """Shows a warning that stays."""
        await self._log(urn, text, engine_pb2.WARNING, ephemeral=False)

    async def _log(self, urn: str, text: str, severity: int, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)  # type: ignore[arg-type]
        try:
            await self._stub.Log(request)
        except grpc.aio.AioRpcError:
            return  # a lost message is no reason to fail; `gone` notices a lost engine

    async def gone(self) -> None:
        """Returns as soon as the engine cannot be reached any more; never without an engine.

        At once, since whoever goes on where a killed update stopped must not meet the provider of that update at work.
        """
        if self._channel is None:
            await asyncio.Event().wait()
            return
        state = self._channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            await self._channel.wait_for_state_change(state)
            state = self._channel.get_state(try_to_connect=True)
