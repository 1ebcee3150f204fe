"""The appliance that VMs boot: where it comes from, what its image holds, and the image as a resource."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_opennebula as one
from pydantic import Field

from components.choices import Source
from components.fields import Count, Group

RECIPES = Path("images")
"""The project's own recipes; a deployment runs in the project's folder."""


class Appliance(Group):
    """Which appliance the VMs boot."""

    source: Source | None = Field(
        default=None,
        description="`recipe`: made from `image.path`; `id`: an image that exists; `marketplace`: the appliances of "
        "OpenNebula's marketplace (unset: what `image` says)",
    )


class Image(Group):
    """An image: a path that the server can read, or one that exists."""

    path: str = Field(
        default=f"{RECIPES}/flower-sklearn",
        description="What the image is made from, readable for the server: a recipe directory, a file, a URL",
    )
    id: Count | None = Field(default=None, description="An existing image instead; `path` is then not used")
    datastore_id: Count = Field(default=1, description="Datastore of a new image")

    @property
    def recipe(self) -> "Recipe | None":
        """What the image's recipe says; None when the image is not made from one that can be read here."""
        return None if self.id is not None else read_recipe(Path(self.path))


@dataclass(frozen=True)
class Recipe:
    """The facts of a recipe: Flower's version, the framework, whether it is for places whose network comes and goes."""

    directory: Path
    version: str
    framework: str
    edge: bool


def read_recipe(directory: Path) -> Recipe | None:
    """The recipe in a directory; None when there is none that can be read (building it will say why)."""
    try:
        table = tomllib.loads((directory / "image.toml").read_text())
        flower, framework = table["flower"]["version"], table["framework"]["name"]
        return Recipe(directory, flower, framework, table.get("edge") is True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def client_recipe(image: Image, version: str) -> Recipe | None:
    """The recipe whose `flwr` talks to VMs of an image: its own, else one of the project with the same Flower."""
    own = (found for file in sorted(RECIPES.glob("*/image.toml")) if (found := read_recipe(file.parent)))
    return image.recipe or next((each for each in own if each.version == version and not each.edge), None)


class FlowerImage(pulumi.ComponentResource):
    """The image of VMs: an existing one by id, or one that the server makes from a path.

    `identity` changes when the content does: what boots from the image is then replaced. A directory is read where
    Pulumi runs; any other path (a file of the server, a URL) is its own identity.
    """

    image_id: pulumi.Output[int]
    identity: str

    def __init__(
        self,
        name: str,
        settings: Image,
        mark: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fedstack:index:FlowerImage", name, None, opts)
        if settings.id is not None:
            self.identity = f"id {settings.id}"
            self.image_id = pulumi.Output.from_input(settings.id)
        else:
            path = server_path(settings.path)
            self.identity = content_identity(path)
            self.image_id = self._image(name, path, settings.datastore_id, mark)
        self.register_outputs({"imageId": self.image_id, "identity": self.identity})

    def _image(self, name: str, path: str, datastore: int, mark: pulumi.Input[str]) -> pulumi.Output[int]:
        """A new content has a new name, so that the new image exists before the old one goes."""
        image = one.Image(
            name,
            name=f"{name}-{hashlib.sha256(self.identity.encode()).hexdigest()[:8]}",
            path=path,
            datastore_id=datastore,
            mark=mark,
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["name"]),
        )
        return image.image_id


def server_path(path: str) -> str:
    """The path for the server: relative ones count from the project's folder when they exist there."""
    local = Path(path)
    return str(local.resolve()) if local.exists() else path


def content_identity(path: str) -> str:
    """The digest of all files of a directory; anything else is known by its path alone."""
    root = Path(path)
    if not root.is_dir():
        return path
    content = hashlib.sha256()
    for file in sorted(each for each in root.rglob("*") if each.is_file()):
        content.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode())
        content.update(file.read_bytes())
    return f"sha256 {content.hexdigest()[:16]}"
