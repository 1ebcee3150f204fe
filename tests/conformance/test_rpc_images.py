"""Images: registration, states, use, deletion (reference 2.10)."""

from __future__ import annotations

from typing import Any

import pyone
import pytest


@pytest.fixture
def image(lab: Any, until: Any) -> int:
    """A small empty image that is READY."""
    image_id: int = lab.one.image.allocate(f'NAME="{lab.name("img")}"\nTYPE="DATABLOCK"\nSIZE="1"', 1)
    lab.made.append(lambda: lab.one.image.delete(image_id))
    until(lambda: lab.one.image.info(image_id).STATE == 1, "image ready")
    return image_id


@pytest.mark.parametrize(
    ("text", "store"),
    [
        ('NAME="x-sys"\nSIZE="1"', 0),
        ('SIZE="1"', 1),
        ('NAME="x-both"\nPATH="/a"\nSOURCE="/b"', 1),
        ('NAME="x-none"\nTYPE="CDROM"\nSIZE="1"', 1),
        ('NAME="x-type"\nTYPE="WRONG"\nSIZE="1"', 1),
    ],
)
def test_registration_is_checked(lab: Any, text: str, store: int) -> None:
    reply = lab.call("one.image.allocate", text, store)
    assert reply[0] is False
    assert reply[2] in (0x4000, 0x2000)


def test_names_are_unique_for_an_owner(lab: Any, image: int) -> None:
    name = lab.one.image.info(image).NAME
    assert lab.call("one.image.allocate", f'NAME="{name}"\nTYPE="DATABLOCK"\nSIZE="1"', 1)[0] is False


def test_an_image_in_use_cannot_be_deleted(lab: Any, image: int) -> None:
    vm_id = lab.vm(lab.template(f'DISK=[IMAGE_ID="{image}"]'))
    lab.vm_in(vm_id, (3, 3))
    info = lab.one.image.info(image)
    assert (2, 1, [vm_id]) == (info.STATE, info.RUNNING_VMS, info.VMS.ID)
    with pytest.raises(pyone.OneException):
        lab.one.image.delete(image)
    lab.gone(vm_id)
    assert lab.one.image.info(image).STATE == 1
    assert lab.one.vm.info(vm_id).TEMPLATE["DISK"]["IMAGE_ID"] == str(image)


def test_images_by_name(lab: Any, image: int) -> None:
    vm_id = lab.vm(lab.template(f'DISK=[IMAGE="{lab.one.image.info(image).NAME}"]'))
    assert lab.one.vm.info(vm_id).TEMPLATE["DISK"]["IMAGE_ID"] == str(image)


def test_deleted_images_are_gone(lab: Any, image: int, until: Any) -> None:
    lab.one.image.delete(image)
    until(lambda: lab.call("one.image.info", image, False)[2] == 1024, "image gone")


def test_attributes_of_images(lab: Any, image: int, until: Any) -> None:
    lab.one.image.update(image, 'DESCRIPTION="d"', 1)
    lab.one.image.persistent(image, True)
    lab.one.image.rename(image, lab.name("renamed"))
    info = lab.one.image.info(image)
    assert (info.TEMPLATE["DESCRIPTION"], info.PERSISTENT) == ("d", 1)
    lab.one.image.persistent(image, False)
    copy = lab.one.image.clone(image, lab.name("copy"))
    until(lambda: lab.one.image.info(copy).STATE == 1, "copy ready")
    lab.one.image.delete(copy)
    lab.one.image.enable(image, False)
    assert lab.one.image.info(image).STATE == 3
    lab.one.image.enable(image, True)
    assert image in [one.ID for one in lab.one.imagepool.info(-2, -1, -1).IMAGE]


def test_types_of_images(lab: Any, image: int) -> None:
    assert lab.one.image.info(image).TYPE == 2
    assert lab.one.image.chtype(image, "OS") == image
    assert lab.one.image.info(image).TYPE == 0
    assert lab.call("one.image.chtype", image, "NONSENSE")[0] is False


def test_images_in_use_keep_their_nature(lab: Any, image: int) -> None:
    vm_id = lab.vm(lab.template(f'DISK=[IMAGE_ID="{image}"]'))
    lab.vm_in(vm_id, (3, 3))
    assert lab.call("one.image.persistent", image, True)[0] is False
    assert lab.call("one.image.enable", image, False)[0] is False


def test_disabled_images_are_not_used(lab: Any, image: int) -> None:
    lab.one.image.enable(image, False)
    reply = lab.call("one.vm.allocate", f'CPU="1"\nMEMORY="16"\nDISK=[IMAGE_ID="{image}"]', True)
    assert reply[0] is False
    lab.one.image.enable(image, True)


def test_a_persistent_image_has_one_user(lab: Any, image: int) -> None:
    lab.one.image.persistent(image, True)
    template_id = lab.template(f'DISK=[IMAGE_ID="{image}"]')
    vm_id = lab.vm(template_id)
    lab.vm_in(vm_id, (3, 3))
    assert lab.one.image.info(image).STATE == 8
    assert lab.call("one.template.instantiate", template_id, "", False, "", False)[0] is False
    lab.gone(vm_id)
    assert lab.one.image.info(image).STATE == 1


def test_copies_of_images_are_named_and_placed(lab: Any, image: int, until: Any) -> None:
    assert lab.call("one.image.clone", image, lab.one.image.info(image).NAME, -1)[0] is False
    assert lab.call("one.image.clone", image, lab.name("copy"), 99999)[2] == 0x0400
    copy = lab.one.image.clone(image, lab.name("copy"), 1)
    until(lambda: lab.one.image.info(copy).STATE == 1, "copy ready")
    assert lab.one.image.info(copy).DATASTORE_ID == 1
    lab.one.image.delete(copy)


@pytest.mark.parametrize(
    ("kind", "store"), [("KERNEL", 1), ("CONTEXT", 1), ("OS", 2), ("DATABLOCK", 2), ("BACKUP", 1), ("OS", 0)]
)
def test_types_belong_to_datastores(lab: Any, kind: str, store: int) -> None:
    text = f'NAME="{lab.name("img")}"\nTYPE="{kind}"\nPATH="/etc/hostname"\nSIZE="1"'
    reply = lab.call("one.image.allocate", text, store)
    assert (reply[0], reply[2]) == (False, 0x4000)
    assert reply[1].startswith("[one.image.allocate] Error allocating a new image.")


@pytest.mark.parametrize("name", ["KERNEL", "CONTEXT", "FILESYSTEM"])
def test_types_change_within_their_datastore(lab: Any, image: int, name: str) -> None:
    assert lab.call("one.image.chtype", image, name)[2] == 0x0800


def test_a_change_to_what_an_image_is_already(lab: Any, image: int) -> None:
    vm_id = lab.vm(lab.template(f'DISK=[IMAGE_ID="{image}"]'))
    lab.vm_in(vm_id, (3, 3))
    assert lab.call("one.image.persistent", image, False)[0] is True
    assert lab.call("one.image.persistent", image, True)[2] == 0x2000


def test_what_cannot_be_cloned(lab: Any, image: int) -> None:
    lab.one.image.enable(image, False)
    reply = lab.call("one.image.clone", image, lab.name("copy"))
    assert (reply[2], "Cannot clone image in state: DISABLED" in reply[1]) == (0x4000, True)
    lab.one.image.enable(image, True)
    assert lab.call("one.image.clone", image, lab.name("copy"), 0)[2] == 0x0800
    assert lab.call("one.image.clone", image, "a/b")[2] == 0x4000


class TestTemplates:
    """Calls on a template that concern its images too."""

    @pytest.fixture
    def template(self, lab: Any, image: int) -> int:
        """A template with the image by name and a volatile disk."""
        name = lab.one.image.info(image).NAME
        found: int = lab.template(f'DISK=[IMAGE="{name}"]\nDISK=[TYPE="fs",SIZE="1"]')
        return found

    def test_clone(self, lab: Any, template: int, image: int, until: Any) -> None:
        name = lab.name("copy")
        copy = lab.one.template.clone(template, name, True)
        disks = lab.one.template.info(copy).TEMPLATE["DISK"]
        own = int(disks[0]["IMAGE_ID"])
        until(lambda: lab.one.image.info(own).STATE == 1, "image ready")
        assert (lab.one.image.info(own).NAME, own != image) == (f"{name}-disk-0", True)
        assert ("IMAGE" in disks[0], "IMAGE_ID" in disks[1]) == (False, False)
        lab.one.template.delete(copy, True)
        until(lambda: lab.call("one.image.info", own)[2] == 0x0400, "image gone")

    def test_a_clone_that_fails_leaves_nothing(self, lab: Any, template: int, image: int) -> None:
        lab.one.image.enable(image, False)
        before = len(lab.one.templatepool.info(-2, -1, -1).VMTEMPLATE)
        assert lab.call("one.template.clone", template, lab.name("copy"), True)[2] == 0x0800
        assert len(lab.one.templatepool.info(-2, -1, -1).VMTEMPLATE) == before
        lab.one.image.enable(image, True)

    def test_delete_keeps_images_in_use(self, lab: Any, template: int, image: int) -> None:
        vm_id = lab.vm(template)
        lab.vm_in(vm_id, (3, 3))
        assert lab.one.template.delete(template, True) == template
        assert lab.one.image.info(image).RUNNING_VMS == 1

    def test_chmod(self, lab: Any, template: int, image: int) -> None:
        lab.one.template.chmod(template, -1, -1, -1, 1, -1, -1, -1, -1, -1, True)
        assert lab.one.image.info(image).PERMISSIONS.GROUP_U == 1
        lab.one.template.chmod(template, -1, -1, -1, 0, -1, -1, -1, -1, -1)
        assert lab.one.image.info(image).PERMISSIONS.GROUP_U == 1

    def test_extended_info(self, lab: Any, template: int, image: int) -> None:
        assert "IMAGE_ID" not in lab.one.template.info(template).TEMPLATE["DISK"][0]
        disk = lab.one.template.info(template, True).TEMPLATE["DISK"][0]
        assert (disk["IMAGE_ID"], disk["DATASTORE_ID"]) == (str(image), "1")
