"""The provider without its wire, driven as the engine drives it: check, create, refresh, diff, update, delete."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from provider_cloud import TestCloud

from opennebula_provider.diffs import Difference
from opennebula_provider.engine import Engine
from opennebula_provider.provider import OpenNebula, Request
from opennebula_provider.resource import Made


@dataclass
class Driver:
    """One object of a stack, with what the state would hold of it."""

    cloud: TestCloud
    kind: str
    name: str = "x"
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def urn(self) -> str:
        """The object's URN."""
        return f"urn:pulumi:s::p::opennebula:index:{self.kind}::{self.name}"

    def create(self, **inputs: Any) -> Made:
        """Check and create."""
        checked = self.checked(inputs)
        made = self._run("create", Request(self.urn, inputs=checked))
        return self._keep(made, checked)

    def checked(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs after check; they must have no problem."""
        found, problems = OpenNebula(Engine(""), {}).check(Request(self.urn, inputs=inputs))
        assert [str(one) for one in problems] == []
        return found

    def refresh(self) -> Made | None:
        """Read into the state."""
        made = self._run("read", Request(self.urn, self.id, self.inputs, state=self.state))
        return self._keep(made, made.inputs) if made else None

    def imported(self) -> Made:
        """Read by id alone."""
        made = self._run("read", Request(self.urn, self.id))
        assert made is not None
        return made

    def diff(self, **inputs: Any) -> Difference:
        """The difference between the state and other inputs."""
        request = Request(self.urn, self.id, self.checked(inputs), self.inputs, self.state)
        return OpenNebula(Engine(""), {}).diff(request)

    def update(self, **inputs: Any) -> Made:
        """Check and update."""
        checked = self.checked(inputs)
        made = self._run("update", Request(self.urn, self.id, checked, self.inputs, self.state))
        return self._keep(made, checked)

    def delete(self, timeout: float = 0.0) -> None:
        """Delete; `timeout` is that of `customTimeouts`, in seconds."""
        self._run("delete", Request(self.urn, self.id, self.inputs, state=self.state, timeout=timeout))

    def _keep(self, made: Made, inputs: dict[str, Any]) -> Made:
        self.id, self.inputs, self.state = made.id, inputs, made.properties
        return made

    def _run(self, method: str, request: Request) -> Any:
        async def scenario() -> Any:
            provider = OpenNebula(Engine(""), self.cloud.environment)
            await provider.configure({})
            return await getattr(provider, method)(request)

        return asyncio.run(scenario())
