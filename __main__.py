"""The Pulumi program: reads `fedstack:federation` of the stack, declares the federation, exports what others need."""

from typing import NoReturn

import pulumi

from components.errors import SettingsError
from components.federation import Federation
from components.settings import Settings, read_settings

MESSAGE_SHOWN = 32
"""Pulumi's exit code of a program that has told the user what is wrong: nothing is added to the message."""


def settings() -> Settings:
    """The stack's settings; ends the program with one message when they are wrong."""
    config = pulumi.Config("fedstack")
    try:
        return read_settings(config.get_object("federation"))
    except (SettingsError, pulumi.ConfigTypeError) as error:
        refuse(str(error))


def refuse(message: str) -> NoReturn:
    """Ends the program with this message alone (a RunError would add one about an unhandled error)."""
    pulumi.log.error(message)
    raise SystemExit(MESSAGE_SHOWN)


def main() -> None:
    """Declares the stack's federation under a name of its own, so that stacks can share a cloud."""
    chosen = settings()
    protection = pulumi.ResourceOptions(protect=chosen.protect)
    federation = Federation(f"{chosen.name}-{pulumi.get_stack()}", chosen, protection)
    for name, value in federation.outputs().items():
        pulumi.export(name, value)


main()
