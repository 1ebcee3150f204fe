"""The context of this VM: what ``one_env`` says, an empty value being no value (reference 2.7 and 16)."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from fedstack.appliance.paths import Paths
from fedstack.context import Appliance, effective


@dataclass(frozen=True)
class Context:
    """`given`: non-empty variables as set by the platform; `values`: the same with our defaults in the gaps."""

    appliance: Appliance
    given: Mapping[str, str]
    values: Mapping[str, str]
    token: str | None

    def get(self, name: str) -> str:
        """A variable with its default; empty when it has neither."""
        return self.values.get(name, "") or self.given.get(name, "")

    def is_yes(self, name: str) -> bool:
        """Whether a boolean variable is YES, in any case."""
        return self.get(name).upper() == "YES"

    @property
    def address(self) -> str:
        """The VM's address: the IP of its first network interface."""
        return self.given.get("ETH0_IP", "127.0.0.1")

    @property
    def internal_address(self) -> str:
        """Where things listen for this machine only: loopback, which on a local cloud is the VM's own address."""
        return self.address if ipaddress.ip_address(self.address).is_loopback else "127.0.0.1"

    @property
    def vm_id(self) -> str:
        """The VM's number; empty outside of a cloud."""
        return self.given.get("VMID", "")


def parse(text: str) -> dict[str, str]:
    """Variables of a sourced file: ``export KEY='value'`` or ``KEY="value"``, values over several lines too."""
    pairs = (token.partition("=") for token in shlex.split(text, comments=True) if "=" in token)
    return {key: value for key, _, value in pairs if key.isidentifier() and value}


def read(appliance: Appliance, paths: Paths) -> Context:
    """Reads the context of this VM. Raises OSError when there is none."""
    given = parse(paths.one_env.read_text())
    token = given.pop("TOKENTXT", "") or given.pop("ONEGATE_TOKEN", "")
    if not token and paths.token_file.exists():
        token = paths.token_file.read_text().strip()
    return Context(appliance, given, effective(appliance, given), token or None)
