"""`Mark`: a random tag that is created first and kept in the state."""

from __future__ import annotations

import secrets

from ..resource import Call, Made, Resource
from ..shape import Definition, Field, MapOf

DEFINITION = Definition(
    name="Mark",
    description="A random tag for everything that a stack makes. It is created first and kept in the state, so that an "
    "object whose creation was cut off is found again and adopted instead of made twice.",
    inputs={
        "keepers": Field(MapOf("string"), "Arbitrary values; any change of them makes a new mark.", replace=True),
    },
    outputs={"value": Field("string", "The mark: 16 hexadecimal digits.", required=True)},
    example={"keepers": {"site": "berlin"}},
)


class Mark(Resource):
    """Lives in the state only."""

    definition = DEFINITION

    async def create(self, call: Call) -> Made:
        """Draws a new mark."""
        value = secrets.token_hex(8)
        return Made(value, {**call.inputs, "value": value}, call.inputs)

    async def read(self, call: Call) -> Made:
        """A mark is what the state says; importing one takes its value as the id."""
        return Made(call.id, {**call.inputs, "value": call.id}, call.inputs)

    async def update(self, call: Call) -> Made:
        """Nothing of a mark changes in place."""
        return await self.read(call)

    async def delete(self, call: Call) -> None:
        """Nothing to remove."""
