"""What becomes of the gRPC options of a launch, in the boot log: each side once, and one warning when they are lost."""

from __future__ import annotations

from collections.abc import Mapping

from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.launch import Launch


class GrpcNotes:
    """Hears from the launcher what gRPC got; one for all lives of a Flower process, so that nothing is said twice."""

    def __init__(self, launch: Launch, log: BootLog) -> None:
        self._wanted: dict[str, dict[str, int]] = {"client": launch.client_options, "server": launch.server_options}
        self._log = log
        self._made: set[str] = set()
        self._warned = False

    def made(self, side: str, options: Mapping[str, int]) -> None:
        """A channel (client) or a server was made with these options; of ours, what it really got is noted."""
        if side not in self._made:
            self._made.add(side)
            got = " ".join(f"{name}={options.get(name)}" for name in self._wanted[side])
            self._log.info(f"supervisor: gRPC {side} options: {got}")

    def check(self) -> None:
        """To be asked once Flower is connected: nothing made with our options means that they have no effect."""
        lost = [side for side, options in self._wanted.items() if options and side not in self._made]
        if lost:
            self.warn(f"this Flower made its {lost[0]} connection without the gRPC keepalive options")

    def warn(self, message: str) -> None:
        """The first warning; the others follow from it."""
        if not self._warned:
            self._warned = True
            self._log.warning(f"supervisor: {message}")
