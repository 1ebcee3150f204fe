"""An appliance: the image that VMs boot from, and one VM template for each size."""

import hashlib
from pathlib import Path

import pulumi
import pulumi_opennebula as one

from components.settings import Image, Size


class FlowerImage(pulumi.ComponentResource):
    """The image of a federation: an existing one by id, or one that the server makes from a path.

    `identity` changes when the content does: what boots from the image is then replaced. A directory is read where
    Pulumi runs; any other path (a file of the server, a URL) is its own identity. An existing image has no `path`.
    """

    image_id: pulumi.Output[int]
    path: str
    identity: str

    def __init__(
        self,
        name: str,
        settings: Image,
        mark: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fedstack:index:FlowerImage", name, None, opts)
        self.path = "" if settings.id is not None else server_path(settings.path)
        self.identity = f"id {settings.id}" if settings.id is not None else content_identity(self.path)
        self.image_id = (
            pulumi.Output.from_input(settings.id) if settings.id is not None else self._image(name, settings, mark)
        )
        self.register_outputs({"imageId": self.image_id, "identity": self.identity})

    def _image(self, name: str, settings: Image, mark: pulumi.Input[str]) -> pulumi.Output[int]:
        """A new content has a new name, so that the new image exists before the old one goes."""
        image = one.Image(
            name,
            name=f"{name}-{hashlib.sha256(self.identity.encode()).hexdigest()[:8]}",
            path=self.path,
            datastore_id=settings.datastore_id,
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


def vm_template(
    name: str,
    size: Size,
    image_id: pulumi.Input[int],
    network_id: pulumi.Input[int],
    mark: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> one.VirtualMachineTemplate:
    """A template with one disk of the image and one network interface; the service's roles add the context."""
    return one.VirtualMachineTemplate(
        name,
        name=name,
        cpu=size.cpu,
        vcpu=size.vcpu,
        memory_mb=size.memory_mb,
        disks=[one.DiskArgs(image_id=image_id)],
        nics=[one.NicArgs(network_id=network_id)],
        mark=mark,
        opts=opts,
    )


def size_identity(size: Size) -> str:
    """What a running VM of this size depends on."""
    return f"cpu {size.cpu}, vcpu {size.vcpu or 1}, memory {size.memory_mb} MB"
