"""The provider over its own wire, driven as the engine drives it: check, create, refresh, diff, update, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from provider_cloud import TestCloud
from pulumi.runtime.proto import provider_pb2, status_pb2

from opennebula_provider.diffs import Change, Difference, Kind
from opennebula_provider.errors import InitFailedError, ProviderError
from opennebula_provider.resource import Made
from opennebula_provider.values import Properties, from_struct, to_struct

_KINDS = {"ADD": Kind.ADD, "DELETE": Kind.DELETE, "UPDATE": Kind.UPDATE}


@contextmanager
def errors() -> Iterator[None]:
    """What the provider answers with, as the errors that it was made from."""
    try:
        yield
    except grpc.RpcError as error:
        raise _error(error) from error


def _error(error: Any) -> ProviderError:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            detail = provider_pb2.ErrorResourceInitFailed()
            status_pb2.Status.FromString(value).details[0].Unpack(detail)
            outputs, inputs = from_struct(detail.properties), from_struct(detail.inputs)
            return InitFailedError(detail.id, outputs, inputs, detail.reasons[0])
    return ProviderError(error.details())


@dataclass
class Driver:
    """One object of a stack, with what the state would hold of it."""

    cloud: TestCloud
    kind: str
    name: str = "x"
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    state: Properties = field(default_factory=dict)

    @property
    def urn(self) -> str:
        """The object's URN."""
        return f"urn:pulumi:s::p::opennebula:index:{self.kind}::{self.name}"

    @property
    def stub(self) -> Any:
        """The wire of the cloud's provider process."""
        return self.cloud.plugin().stub

    def create(self, **inputs: Any) -> Made:
        """Check and create."""
        checked = self.checked(inputs)
        with errors():
            reply = self.stub.Create(provider_pb2.CreateRequest(urn=self.urn, properties=to_struct(checked)))
        return self._keep(Made(reply.id, from_struct(reply.properties), checked))

    def checked(self, inputs: Properties) -> Properties:
        """The inputs after check; they must have no problem."""
        reply = self.stub.Check(provider_pb2.CheckRequest(urn=self.urn, news=to_struct(inputs)))
        assert [one.reason for one in reply.failures] == []
        return from_struct(reply.inputs)

    def refresh(self) -> Made | None:
        """Read into the state; None when the object is gone."""
        made = self._read(inputs=to_struct(self.inputs), properties=to_struct(self.state))
        return self._keep(made) if made else None

    def imported(self) -> Made:
        """Read by id alone."""
        made = self._read()
        assert made is not None
        return made

    def _read(self, **known: Any) -> Made | None:
        with errors():
            reply = self.stub.Read(provider_pb2.ReadRequest(urn=self.urn, id=self.id, **known))
        return Made(reply.id, from_struct(reply.properties), from_struct(reply.inputs)) if reply.id else None

    def diff(self, **inputs: Any) -> Difference:
        """The difference between the state and other inputs."""
        reply = self.stub.Diff(provider_pb2.DiffRequest(urn=self.urn, id=self.id, **self._sides(self.checked(inputs))))
        return Difference(
            {path: _change(one) for path, one in reply.detailedDiff.items()}, delete_first=reply.deleteBeforeReplace
        )

    def update(self, timeout: float = 0.0, **inputs: Any) -> Made:
        """Check and update; `timeout` is that of `customTimeouts`, in seconds."""
        checked = self.checked(inputs)
        request = provider_pb2.UpdateRequest(urn=self.urn, id=self.id, timeout=timeout, **self._sides(checked))
        with errors():
            reply = self.stub.Update(request)
        return self._keep(Made(self.id, from_struct(reply.properties), checked))

    def _sides(self, news: Properties) -> dict[str, Any]:
        return {"olds": to_struct(self.state), "old_inputs": to_struct(self.inputs), "news": to_struct(news)}

    def delete(self, timeout: float = 0.0) -> None:
        """Delete; `timeout` as for an update."""
        request = provider_pb2.DeleteRequest(
            urn=self.urn,
            id=self.id,
            properties=to_struct(self.state),
            old_inputs=to_struct(self.inputs),
            timeout=timeout,
        )
        with errors():
            self.stub.Delete(request)

    def _keep(self, made: Made) -> Made:
        self.id, self.inputs, self.state = made.id, made.inputs, made.properties
        return made


def _change(one: Any) -> Change:
    kind = provider_pb2.PropertyDiff.Kind.Name(one.kind)
    return Change(_KINDS[kind.removesuffix("_REPLACE")], kind.endswith("_REPLACE"), from_state=not one.inputDiff)
