"""`Image`: a disk image in a datastore."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.opennebula.states import ImageState, ImageType

from ..attributes import flat
from ..awaits import GONE, Sight
from ..checks import Problem
from ..diffs import Difference
from ..errors import InitFailedError
from ..objects import PoolObject, state_name
from ..resource import Call, Made, ensure, row, settled, wait_state
from ..rpc import Tree, section
from ..shape import ENDPOINT, Definition, Field, MapOf, owned
from ..values import Properties

DEFINITION = Definition(
    name="Image",
    description="A disk image. Its content comes from `path`, from another image (`cloneFrom`), or it is an empty "
    "block of `sizeMb`. Creation waits until the image is READY; one that the platform cannot make stays in the state "
    "and is replaced by the next update.",
    inputs=owned(
        "image; unique per owner",
        {
            "path": Field(
                "string",
                "Where the server takes the content from: a path on the front-end or a URL. Either this, `cloneFrom`, "
                "or `sizeMb` alone.",
                replace=True,
                kept=True,
            ),
            "cloneFrom": Field(
                "integer",
                "Id of the image that this one is a copy of. Later changes of that image are none of this one.",
                replace=True,
                minimum=0,
            ),
            "datastoreId": Field("integer", "Datastore that holds the image.", default=1, replace=True, minimum=0),
            "type": Field(
                "string",
                "Type of the image; `OS` when absent, of a clone that of its origin. A change is in place.",
                choices=("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT"),
                kept=True,
            ),
            "persistent": Field(
                "boolean",
                "Whether a virtual machine writes into the image itself. A change is in place; the platform refuses it "
                "while a machine uses the image.",
                default=False,
            ),
            "sizeMb": Field(
                "integer",
                "Size in MiB where the platform cannot find it out.",
                replace=True,
                minimum=1,
            ),
            "description": Field("string", "Free text.", attr="DESCRIPTION"),
            "devPrefix": Field(
                "string", "Prefix of the device in the guest, such as `vd` or `sd`.", attr="DEV_PREFIX", kept=True
            ),
            "driver": Field("string", "Driver of the disk, such as `qcow2`.", attr="DRIVER", kept=True),
            "attributes": Field(MapOf("string"), "Further attributes of the image, written as they are."),
            "readyDeadline": Field(
                "integer", "Seconds that the image may take to become READY.", default=1800, minimum=1, waits=True
            ),
        },
    ),
    outputs={
        "imageId": Field("integer", "Id of the image.", required=True),
        "state": Field("string", "State of the image, for example `READY`.", required=True),
        "sizeActualMb": Field("integer", "Size in MiB as the platform reports it.", required=True),
        "endpoint": ENDPOINT,
    },
    example={"name": "ubuntu-24.04", "path": "https://example.org/ubuntu-24.04.qcow2", "labels": ["linux"]},
)
SERVER_KEYS = frozenset({"FORMAT", "ERROR", "PATH", "SIZE", "TYPE", "PERSISTENT"})
"""Members of an image's template that are neither typed properties nor the user's free attributes."""


class Image(PoolObject):
    """Images of one datastore."""

    definition = DEFINITION
    kind, word, states = "image", "image", ImageState
    server_keys = SERVER_KEYS

    def check(self, inputs: Properties) -> list[Problem]:
        """An image has one origin."""
        given = [name for name in ("path", "cloneFrom") if name in inputs]
        if len(given) == 2:
            return [Problem("cloneFrom", "does not go with path: an image has one origin")]
        if not given and "sizeMb" not in inputs:
            return [Problem("path", "is missing; give path, cloneFrom, or sizeMb alone for an empty block")]
        if not given and inputs.get("type", "OS") not in ("OS", "DATABLOCK", UNKNOWN):
            return [Problem("path", f"is missing; only an OS or a DATABLOCK can be empty, not a {inputs['type']}")]
        if "cloneFrom" in inputs and "sizeMb" in inputs:
            return [Problem("sizeMb", "does not go with cloneFrom: a copy has the size of its origin")]
        return []

    async def allocate(self, call: Call) -> int:
        """Registers the image; a copy first has a name of its own, because it cannot carry the tag from the start."""
        inputs = call.inputs
        if "cloneFrom" in inputs:
            found = await _found_copy(call)
            copy = (inputs["cloneFrom"], first_name(call), inputs["datastoreId"])
            return found if found is not None else int(await call.cloud.rpc.call("image.clone", *copy))
        fixed = {
            "NAME": inputs["name"],
            "PATH": inputs.get("path"),
            "TYPE": inputs.get("type"),
            "PERSISTENT": flat(inputs["persistent"]),
            "SIZE": flat(inputs["sizeMb"]) if "sizeMb" in inputs else None,
        }
        return int(await call.cloud.rpc.call("image.allocate", self.text(call, fixed), inputs["datastoreId"]))

    async def begun(self, call: Call) -> Properties:
        """A copy has name, type, persistence and attributes of its origin."""
        if "cloneFrom" not in call.inputs:
            return await super().begun(call)
        made = await self._ready(call)
        await self.rewrite(replace(call, old=made.inputs))
        return made.inputs

    async def read(self, call: Call) -> Made | None:
        """The image as it is; one that is in state ERROR fails as not initialised."""
        tree = await self.tree(call)
        if tree is None:
            return None
        made = self.made(call, tree)
        if made.properties["state"] == "ERROR":
            cause = section(tree, "TEMPLATE").get("ERROR", "no cause given")
            raise InitFailedError(made.id, made.properties, made.inputs, f"image {call.id} is in state ERROR: {cause}")
        return made

    async def change(self, call: Call, difference: Difference) -> None:
        """Type and persistence, which only an image that is READY can change."""
        if difference.touches("type", "persistent"):
            await self._ready(call)
        if difference.touches("type"):
            await call.cloud.rpc.call("image.chtype", call.number, call.inputs["type"])
        if difference.touches("persistent"):
            await call.cloud.rpc.call("image.persistent", call.number, call.inputs["persistent"])

    async def finish(self, call: Call) -> Made:
        """The image once it is READY."""
        return await settled(self, call, await self._ready(call))

    async def _ready(self, call: Call) -> Made:
        async def look() -> Sight:
            tree = await self.tree(call)
            if tree is None:
                return Sight(GONE)
            cause = str(section(tree, "TEMPLATE").get("ERROR", ""))
            return Sight(state_name(ImageState, tree), f"image {state_name(ImageState, tree)}", cause)

        outcome = await wait_state(call, row(self, "create"), self.what(call), look, call.inputs["readyDeadline"])
        tree = await self.tree(call)
        return ensure(outcome, self.made(call, tree) if tree else Made(call.id, call.inputs, call.inputs))

    def outputs(self, call: Call, tree: Tree) -> Properties:
        """Id, state and size."""
        state = state_name(ImageState, tree)
        return {"imageId": call.number, "state": state, "sizeActualMb": int(tree.get("SIZE") or 0)}

    def seen(self, known: Properties, tree: Tree) -> Properties:
        """What is in the header; where the content came from is not looked at again."""
        return {
            "path": None if "cloneFrom" in known else known.get("path") or tree.get("PATH") or None,
            "datastoreId": int(tree["DATASTORE_ID"]),
            "type": type_name(tree) if "type" in known or not known else None,
            "persistent": tree.get("PERSISTENT") == "1",
            **({"sizeMb": int(tree.get("SIZE") or 0)} if not known and not tree.get("PATH") else {}),
        }


def first_name(call: Call) -> str:
    """The name of a copy until it carries the tag; it is found by that when its creation is cut off."""
    if call.tag is None:
        return str(call.inputs["name"])
    return f"pulumi-{hashlib.sha256(call.tag.encode()).hexdigest()[:16]}"


async def _found_copy(call: Call) -> int | None:
    name = first_name(call)
    objects = await call.cloud.reads.every("image") if call.tag else []
    return next((int(one["ID"]) for one in objects if one["NAME"] == name), None)


def type_name(tree: Tree) -> str:
    """The name of an image's type; an unknown number as text."""
    kind = int(tree.get("TYPE") or 0)
    return ImageType(kind).name if kind in set(ImageType) else str(kind)
