"""How a role of a service scales: bounds, cooldown and policies, as they are declared and as the platform has them.

The platform writes there by itself (reference 6.20): bookkeeping into policies, and the cooldown of a policy that fired
(0 after it filled a role up to its minimum) into the role for good. None of that is a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .values import Properties

_BOOKKEEPING = frozenset({"last_eval", "true_evals", "expression_evaluated"})
_POLICIES = ("elasticityPolicies", "scheduledPolicies")
_POLICY_KEYS = ("elasticity_policies", "scheduled_policies")
NAMES = ("minVms", "maxVms", "cooldown", *_POLICIES)
"""The properties of a role that say how it scales."""


@dataclass(frozen=True)
class Scaling:
    """The settings of one role by property name; an absent one is not set, or (of a declaration) not wished for."""

    settings: Properties = field(default_factory=dict)

    @property
    def elastic(self) -> bool:
        """Whether policies may change the number of machines."""
        return any(self.settings.get(name) for name in _POLICIES)

    def holds(self, count: int) -> bool:
        """Whether the bounds allow that many machines."""
        return count == self.clamped(count)

    def clamped(self, count: int) -> int:
        """The allowed number that is nearest."""
        return int(max(self.settings.get("minVms", 0), min(count, self.settings.get("maxVms", count))))

    def over(self, actual: Scaling) -> Scaling:
        """What a role will have: these settings, the actual ones where nothing is said."""
        return Scaling({**actual.settings, **self.settings})

    def missing(self, actual: Scaling, before: Scaling | None = None) -> Properties:
        """The settings that the role does not have.

        What the platform may have written over a cooldown counts as had, unless it is declared anew since `before`.
        """
        known = self.settings if before is None else before.settings
        return {
            name: value
            for name, value in self.settings.items()
            if not self._has(name, actual, written=known.get(name) == value)
        }

    def _has(self, name: str, actual: Scaling, *, written: bool) -> bool:
        value, now = self.settings[name], actual.settings.get(name)
        if name == "cooldown" and written and now in self.over(actual).written_cooldowns():
            return True
        return now == value or not (now or value)

    def written_cooldowns(self) -> set[int]:
        """The cooldowns that the platform may leave behind by itself."""
        fired = {one["cooldown"] for one in self.settings.get("elasticityPolicies", []) if "cooldown" in one}
        return fired | ({0} if self.settings.get("minVms") else set())

    def spelled(self, actual: Scaling) -> Properties:
        """These settings as the role has them, spelled as they are here where it means the same."""
        off = self.missing(actual)
        return {name: actual.settings.get(name) if name in off else value for name, value in self.settings.items()}


def actual(body: Mapping[str, Any]) -> Scaling:
    """The settings of a role's body."""
    from fedstack.oneflow.names import to_camel

    clean = {**body, **{key: [_clean(one) for one in body.get(key) or []] for key in _POLICY_KEYS}}
    (role,) = to_camel({"roles": [clean]})["roles"]
    return Scaling({name: role[name] for name in NAMES if role.get(name) not in (None, [])})


def _clean(policy: Mapping[str, Any]) -> Properties:
    return {key: value for key, value in policy.items() if key not in _BOOKKEEPING}


def declared(inputs: Properties, name: str) -> Scaling:
    """What a service's inputs say about a role; its own cooldown comes before that of the service."""
    entry = entry_of(inputs, name)
    common = {"cooldown": inputs["cooldown"]} if "cooldown" in inputs else {}
    return Scaling({**common, **{key: entry[key] for key in NAMES if key in entry}})


def entry_of(inputs: Properties, name: str) -> Properties:
    """What a service's inputs say about a role, empty for nothing."""
    roles = inputs.get("roles")
    entries = [one for one in roles if isinstance(one, dict)] if isinstance(roles, list) else []
    return next((one for one in entries if one.get("name") == name), {})


def written(role: Mapping[str, Any], changes: Properties) -> Properties:
    """A role's body with changed settings; an empty list of policies is none at all."""
    from fedstack.oneflow.names import from_camel

    (changed,) = from_camel({"roles": [changes]})["roles"]
    return {key: value for key, value in {**role, **changed}.items() if value != [] or key not in changed}
