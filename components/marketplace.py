"""The appliances of OpenNebula's marketplace: the variables that they read, by the names that they have there.

They read far fewer than ours; everything else is chosen in the app's own run config or not at all (reference 16).
"""

from collections.abc import Mapping

from fedstack.context import Appliance

_PREFIX = "ONEAPP_"
_RENAMED = {"ML_FRAMEWORK": "FL_FRAMEWORK"}

_BOTH = ("FLOWER_VERSION", "FL_ISOLATION", "FL_LOG_LEVEL", "FL_TLS_ENABLED")
_NODE = ("ML_FRAMEWORK", "FL_SUPERLINK_ADDRESS", "FL_NODE_CONFIG", "FL_MAX_RETRIES", "FL_MAX_WAIT_TIME")

READ: Mapping[Appliance, frozenset[str]] = {
    "superlink": frozenset({*_BOTH, "FL_DATABASE"}),
    "supernode": frozenset({*_BOTH, *_NODE}),
}
"""Names of the registry that each appliance reads, 5 and 9."""

DEFAULTS: Mapping[str, str] = {"FLOWER_VERSION": "1.31.0", "ML_FRAMEWORK": "pytorch"}
"""What is in the images; another version falls back to it, another framework is built at the first boot."""


def name(variable: str) -> str:
    """What the appliances call a variable of the registry."""
    return _PREFIX + _RENAMED.get(variable, variable)
