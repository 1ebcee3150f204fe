"""`Image`: a disk image in a datastore."""

from __future__ import annotations

from fedstack.opennebula.states import ImageState, ImageType
from fedstack.opennebula.template import Value

from ..awaits import GONE, Sight, Verdict
from ..errors import InitFailedError, ProviderError
from ..objects import (
    flat,
    give_rights,
    info,
    merged,
    remove,
    rename,
    rights,
    seen_attributes,
    state_name,
    template_text,
    upper,
)
from ..resource import Call, Made, Resource, ensure, folded, row, wait_state
from ..rpc import Tree, section
from ..shape import ENDPOINT, MARK, PERMISSIONS, Definition, Field, MapOf, name_field
from ..values import Properties

DEFINITION = Definition(
    name="Image",
    description="A disk image. Creation waits until the image is READY.",
    inputs={
        "mark": MARK,
        "name": name_field("image; unique per owner"),
        "path": Field(
            "string",
            "Where the server takes the content from: a path on the front-end or a URL.",
            required=True,
            replace=True,
        ),
        "datastoreId": Field("integer", "Datastore that holds the image.", default=1, replace=True, minimum=0),
        "type": Field(
            "string",
            "Type of the image.",
            default="OS",
            replace=True,
            choices=("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT"),
        ),
        "persistent": Field("boolean", "Whether a virtual machine writes into the image itself.", default=False),
        "sizeMb": Field("integer", "Size in MiB where the platform cannot find it out.", replace=True, minimum=1),
        "description": Field("string", "Free text."),
        "permissions": PERMISSIONS,
        "attributes": Field(MapOf("string"), "Further attributes of the image, written as they are."),
        "readyDeadline": Field(
            "integer", "Seconds that the image may take to become READY.", default=1800, minimum=1, waits=True
        ),
    },
    outputs={
        "imageId": Field("integer", "Id of the image.", required=True),
        "state": Field("string", "State of the image, for example `READY`.", required=True),
        "sizeActualMb": Field("integer", "Size in MiB as the platform reports it.", required=True),
        "endpoint": ENDPOINT,
    },
)

SERVER_KEYS = ("DEV_PREFIX", "DRIVER", "FORMAT", "DESCRIPTION", "ERROR", "PATH", "SIZE", "TYPE", "PERSISTENT")
"""Members of an image's template that are not the user's free attributes."""


class Image(Resource):
    """Images of one datastore."""

    definition = DEFINITION
    names_collide = True

    async def create(self, call: Call) -> Made:
        """Allocates the image (or adopts it by its tag) and waits until it is READY."""
        inputs = call.inputs
        number = await call.cloud.find_object("imagepool", "IMAGE", inputs["name"], call.tag) if call.tag else None
        if number is None:
            number = await call.cloud.rpc.call("image.allocate", _text(call), inputs["datastoreId"])
        call.id = str(number)
        await give_rights(call, "image", number)
        return await self._ready(call)

    async def _ready(self, call: Call) -> Made:
        async def look() -> Sight:
            tree = await info(call, "image", call.number)
            if tree is None:
                return Sight(GONE)
            cause = str(section(tree, "TEMPLATE").get("ERROR", ""))
            return Sight(state_name(ImageState, tree), f"image {state_name(ImageState, tree)}", cause)

        rule = row(self, "create")
        what = f"image {call.inputs['name']!r} ({call.id})"
        outcome = await wait_state(call, rule, what, look, call.inputs["readyDeadline"])
        tree = await info(call, "image", call.number)
        return ensure(outcome, _made(call, tree or {}))

    async def read(self, call: Call) -> Made | None:
        """The image as it is; one that is in state ERROR fails as not initialised."""
        tree = await info(call, "image", call.number)
        if tree is None:
            return None
        made = _made(call, tree)
        if made.properties["state"] == "ERROR":
            cause = str(section(tree, "TEMPLATE").get("ERROR", "no cause given"))
            raise InitFailedError(made.id, made.properties, made.inputs, f"image {call.id} is in state ERROR: {cause}")
        return made

    async def update(self, call: Call) -> Made:
        """Name, rights, persistence and attributes in place; then the image must be READY."""
        difference = self.diff(call)
        await rename(call, "image", difference)
        await give_rights(call, "image", call.number)
        if difference.touches("persistent"):
            await call.cloud.rpc.call("image.persistent", call.number, call.inputs["persistent"])
        if difference.touches("description", "attributes", "mark"):
            await self._rewrite(call)
        return await self._ready(call)

    async def _rewrite(self, call: Call) -> None:
        tree = await info(call, "image", call.number) or {}
        wanted = {"DESCRIPTION": call.inputs.get("description"), **upper(call.inputs.get("attributes"))}
        drop = {"DESCRIPTION", *upper(call.old.get("attributes"))}
        text = template_text(merged(section(tree, "TEMPLATE"), wanted, drop), call.tag)
        await call.cloud.rpc.call("image.update", call.number, text, 0)

    async def delete(self, call: Call) -> None:
        """Deletes the image and waits until it is gone."""
        what = f"image {call.id}"
        outcome = await remove(call, "image", row(self, "delete"), what, ImageState)
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)


def _text(call: Call) -> str:
    inputs = call.inputs
    attributes: dict[str, Value | list[Value] | None] = {
        "NAME": inputs["name"],
        "PATH": inputs["path"],
        "TYPE": inputs["type"],
        "PERSISTENT": flat(inputs["persistent"]),
        "SIZE": flat(inputs["sizeMb"]) if "sizeMb" in inputs else None,
        "DESCRIPTION": inputs.get("description"),
    }
    return template_text({**attributes, **upper(inputs.get("attributes"))}, call.tag)


def _made(call: Call, tree: Tree) -> Made:
    inputs = _inputs(call.inputs, tree) if tree else call.inputs
    outputs = {
        "imageId": call.number,
        "state": state_name(ImageState, tree) if tree else GONE,
        "sizeActualMb": int(tree.get("SIZE") or 0),
        "endpoint": call.cloud.endpoint,
    }
    return Made(call.id, {**inputs, **outputs}, inputs)


def _inputs(known: Properties, tree: Tree) -> Properties:
    """What would have to be written to get this image; only what is declared is looked at, except on import."""
    template = section(tree, "TEMPLATE")
    declared = known.get("attributes", {}) if known else None
    seen: Properties = {
        "name": tree["NAME"],
        "path": known.get("path", tree.get("PATH", "")),
        "datastoreId": int(tree["DATASTORE_ID"]),
        "type": type_name(tree),
        "persistent": tree.get("PERSISTENT") == "1",
        "description": template.get("DESCRIPTION"),
        "permissions": rights(tree) if "permissions" in known else None,
        "attributes": seen_attributes(declared, template, SERVER_KEYS) or None,
    }
    return folded(known, seen)


def type_name(tree: Tree) -> str:
    """The name of an image's type; an unknown number as text."""
    kind = int(tree.get("TYPE") or 0)
    return ImageType(kind).name if kind in set(ImageType) else str(kind)
