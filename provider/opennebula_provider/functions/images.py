"""`getImage` and `getImages`."""

from __future__ import annotations

from fedstack.opennebula.states import ImageState

from ..attributes import flat, names, seen_declared
from ..cloud import Cloud
from ..function import Function
from ..objects import state_name
from ..resources.image import DEFINITION, SERVER_KEYS, type_name
from ..rpc import Tree, section
from ..shape import Definition, Field, ListOf, MapOf, Shape
from ..values import Properties
from .lookup import (
    NAME_PATTERN,
    OWNERSHIP,
    Kind,
    find_object,
    found_typed,
    identity,
    named_like,
    ownership,
    pool,
    typed,
)

INPUTS = DEFINITION.inputs
IMAGE = Kind("image", "imageId", "image", "IMAGE")
FOUND = {
    **identity(IMAGE),
    "state": Field("string", "State of the image, for example `READY`.", required=True),
    "type": Field("string", "Type of the image, for example `OS`.", required=True),
    "persistent": Field("boolean", "Whether a virtual machine writes into the image itself.", required=True),
    "sizeMb": Field("integer", "Size in MiB.", required=True),
    "datastoreId": Field("integer", "Datastore that holds the image.", required=True),
    "path": Field("string", "Where its content came from, empty when that is not known.", required=True),
    "runningVms": Field("integer", "Number of virtual machines that use it.", required=True),
    **typed(INPUTS),
    **OWNERSHIP,
    "attributes": Field(MapOf("string"), "Its further attributes.", required=True),
}
FOUND_IMAGE = Shape("FoundImage", "An image that exists already.", FOUND)


async def get_image(cloud: Cloud, inputs: Properties) -> Properties:
    """One image."""
    return _image(await find_object(cloud, IMAGE, inputs))


async def get_images(cloud: Cloud, inputs: Properties) -> Properties:
    """All images that fit, by id."""
    found = [_image(one) for one in named_like(inputs, await pool(cloud, IMAGE))]
    return {"images": [one for one in found if _fits(one, inputs)]}


def _fits(image: Properties, inputs: Properties) -> bool:
    wanted = {key.upper(): flat(value) for key, value in inputs.get("attributes", {}).items()}
    same = all(image[name] == inputs[name] for name in ("datastoreId", "type", "state") if name in inputs)
    return same and wanted.items() <= image["attributes"].items()


def _image(tree: Tree) -> Properties:
    template = section(tree, "TEMPLATE")
    return {
        "imageId": int(tree["ID"]),
        "name": tree["NAME"],
        "state": state_name(ImageState, tree),
        "type": type_name(tree),
        "persistent": tree.get("PERSISTENT") == "1",
        "sizeMb": int(tree.get("SIZE") or 0),
        "datastoreId": int(tree.get("DATASTORE_ID") or 0),
        "path": tree.get("PATH", ""),
        "runningVms": int(tree.get("RUNNING_VMS") or 0),
        **found_typed(INPUTS, template),
        **ownership(tree),
        "attributes": seen_declared(None, template, {*SERVER_KEYS, *names(INPUTS)}) or {},
    }


GET_IMAGE = Function(
    Definition("getImage", "Finds an image that exists already, by its id or by its name.", IMAGE.inputs, FOUND),
    get_image,
    either=("imageId", "name"),
)
GET_IMAGES = Function(
    Definition(
        "getImages",
        "Finds all images that fit every argument; without arguments all that the user may see.",
        {
            "namePattern": NAME_PATTERN,
            "datastoreId": Field("integer", "Datastore that holds the images.", minimum=0),
            "type": Field("string", "Type of the images, for example `OS`."),
            "state": Field("string", "State of the images, for example `READY`."),
            "attributes": Field(MapOf("string"), "Attributes that the images have, with their values."),
        },
        {"images": Field(ListOf(FOUND_IMAGE), "The images in the order of their ids.", required=True)},
    ),
    get_images,
)
