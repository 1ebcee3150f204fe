"""Keepalive as gRPC options (reference 12.3): the same for every Flower generation.

One option more than the reference has: in gRPC 1.85 the keepalive timeout alone does not end a dead connection, the
timeout of pings does, and that is a minute unless it is set. Older versions ignore it.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST_CLIENT_INTERVAL_MS = 30_000


@dataclass(frozen=True)
class Keepalive:
    """Seconds between two pings, and seconds to wait for the answer to one."""

    time: int
    timeout: int

    def client(self) -> dict[str, int]:
        """Options of a SuperNode's channel."""
        return {**self._both(), "grpc.http2.max_pings_without_data": 0}

    def server(self) -> dict[str, int]:
        """Options of a SuperLink's servers: they bear pings of clients that have nothing else to say."""
        return {
            **self._both(),
            "grpc.http2.min_recv_ping_interval_without_data_ms": LEAST_CLIENT_INTERVAL_MS,
            "grpc.http2.max_ping_strikes": 0,
        }

    def _both(self) -> dict[str, int]:
        return {
            "grpc.keepalive_time_ms": self.time * 1000,
            "grpc.keepalive_timeout_ms": self.timeout * 1000,
            "grpc.http2.ping_timeout_ms": self.timeout * 1000,
            "grpc.keepalive_permit_without_calls": 1,
        }
