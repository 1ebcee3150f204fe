"""A template as rules see it: the body, and the questions that many rules ask."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules import reading
from fedstack.rules.reading import SUPERLINK, SUPERNODE, RoleView

Options = Mapping[str, Any]
"""Option names to values, as an environment gives them."""


@dataclass(frozen=True)
class Template:
    """A service template's body in its own names (snake_case), or a VM template's attributes (upper case).

    Any part may be UNKNOWN. `written` is the body before names of 6.x were converted.
    """

    body: Mapping[str, Any]
    written: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=dict)

    @cached_property
    def roles(self) -> list[RoleView]:
        """The roles that are known."""
        return reading.roles(self.body)

    @cached_property
    def all_roles_known(self) -> bool:
        """Whether every role and its name is known, so that an absent role is really absent."""
        listed = self.body.get("roles")
        entries = listed if isinstance(listed, list | tuple) else []
        unknown = (each is UNKNOWN or (isinstance(each, Mapping) and each.get("name") is UNKNOWN) for each in entries)
        return listed is not UNKNOWN and not any(unknown)

    @cached_property
    def coordinators(self) -> list[RoleView]:
        """The roles that must stay single."""
        return reading.coordinators(self.body)

    @cached_property
    def superlinks(self) -> list[RoleView]:
        """The roles named superlink: none in a template of another kind, and in one of a training site."""
        return [role for role in self.roles if role.fields.get("name") == SUPERLINK]

    @cached_property
    def supernodes(self) -> list[RoleView]:
        """The roles of SuperNodes: those of that name, and those that wait for a SuperLink."""
        return [
            role
            for role in self.roles
            if role.fields.get("name") == SUPERNODE
            or (role not in self.superlinks and role.parents is not UNKNOWN and SUPERLINK in role.parents)
        ]

    @property
    def federates(self) -> bool:
        """Whether SuperLink and SuperNodes are both in the template."""
        return bool(self.superlinks and self.supernodes)

    @property
    def is_training_site(self) -> bool:
        """SuperNodes whose SuperLink is elsewhere."""
        return self.all_roles_known and bool(self.supernodes) and not self.superlinks

    @property
    def is_coordinator(self) -> bool:
        """A SuperLink whose SuperNodes are elsewhere."""
        return self.all_roles_known and bool(self.superlinks) and len(self.roles) == 1

    def appliance(self, role: RoleView) -> Literal["superlink", "supernode"] | None:
        """Which appliance a role runs; None for roles that are no part of a federation."""
        if role in self.superlinks:
            return "superlink"
        return "supernode" if role in self.supernodes else None

    def flower_roles(self) -> Iterator[tuple[RoleView, Literal["superlink", "supernode"]]]:
        """The roles that run an appliance, with it."""
        for role in self.roles:
            appliance = self.appliance(role)
            if appliance:
                yield role, appliance

    def option(self, name: str) -> Any:
        """The value of one of the rule's options."""
        return self.options[name]
