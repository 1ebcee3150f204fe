"""One success of every call, by unmodified pyone: the table, and the calls that all objects share (reference 2.4, 2.5).

A case is a function of a lab; its name is that of the call, with an underscore for the first dot. It asserts what the
call has done, as seen by another call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

Case = Callable[[Any], None]
CASES: dict[str, Case] = {}

IMAGE = 'NAME="{name}"\nTYPE="DATABLOCK"\nSIZE="1"'
NETWORK = 'NAME="{name}"\nVN_MAD="dummy"\nBRIDGE="br0"'
GROUP = 'NAME="{name}"\nRULE=[PROTOCOL="TCP",RULE_TYPE="INBOUND",RANGE="22"]'
STORE = 'NAME="{name}"\nTYPE="IMAGE_DS"\nTM_MAD="dummy"\nDS_MAD="dummy"'
DOCUMENT = 910
RUNNING = (3, 3)


def case(function: Case) -> Case:
    """Puts a function into the table."""
    CASES[function.__name__.replace("_", ".", 1)] = function
    return function


def later(lab: Any, undo: Callable[[], Any]) -> None:
    """Has something removed after the test."""
    lab.made.append(undo)


@dataclass(frozen=True)
class Maker:
    """How an object of one pool is made, and found in its pool."""

    prefix: str
    text: str
    more: tuple[Any, ...] = ()
    pool: tuple[Any, ...] = (-2, -1, -1)
    lockable: bool = True

    def calls(self, lab: Any) -> Any:
        """The calls of the pool."""
        return getattr(lab.one, self.prefix)

    def new(self, lab: Any) -> int:
        """An object, removed after the test."""
        made: int = self.calls(lab).allocate(self.text.format(name=lab.name(self.prefix)), *self.more)
        later(lab, lambda: lab.gone(made) if self.prefix == "vm" else self.calls(lab).delete(made))
        return made

    def info(self, lab: Any, made: int) -> Any:
        """What there is to know of it."""
        return self.calls(lab).info(made)


TEMPLATES = Maker("template", 'NAME="{name}"\nCPU="0.01"\nMEMORY="16"')
IMAGES = Maker("image", IMAGE, (1,))
NETWORKS = Maker("vn", NETWORK, (-1,))
GROUPS = Maker("secgroup", GROUP, lockable=False)
DOCUMENTS = Maker("document", 'NAME="{name}"\nA="1"', (DOCUMENT,), (-2, -1, -1, DOCUMENT))
STORES = Maker("datastore", STORE, (-1,), (), lockable=False)
VMS = Maker("vm", 'NAME="{name}"\nCPU="0.01"\nMEMORY="16"', (True,), (-2, -1, -1, -1))
MAKERS = (TEMPLATES, IMAGES, NETWORKS, GROUPS, DOCUMENTS, STORES, VMS)


def allocate(maker: Maker, lab: Any) -> None:
    """A new object is there."""
    made = maker.new(lab)
    assert made == maker.info(lab, made).ID


def pool(maker: Maker, lab: Any) -> None:
    """A new object is in its pool."""
    made = maker.new(lab)
    found = getattr(lab.one, f"{maker.prefix}pool").info(*maker.pool)
    members = next(value for key, value in vars(found).items() if isinstance(value, list) and key.isupper())
    assert made in [one.ID for one in members]


def rename(maker: Maker, lab: Any) -> None:
    """It has another name."""
    made, name = maker.new(lab), lab.name("renamed")
    assert maker.calls(lab).rename(made, name) == made
    assert name == maker.info(lab, made).NAME


def update(maker: Maker, lab: Any) -> None:
    """Its template has another attribute."""
    made = maker.new(lab)
    assert maker.calls(lab).update(made, 'NOTE="n"', 1) == made
    info = maker.info(lab, made)
    assert (info.USER_TEMPLATE if maker is VMS else info.TEMPLATE)["NOTE"] == "n"


def chmod(maker: Maker, lab: Any) -> None:
    """It has other rights."""
    made = maker.new(lab)
    assert maker.calls(lab).chmod(made, 1, 1, 0, 1, 0, 0, -1, -1, -1) == made
    bits = maker.info(lab, made).PERMISSIONS
    assert (bits.GROUP_U, bits.GROUP_M) == (1, 0)


def chown(maker: Maker, lab: Any) -> None:
    """It belongs to another user and group."""
    made = maker.new(lab)
    assert maker.calls(lab).chown(made, 1, 1) == made
    info = maker.info(lab, made)
    assert (info.UID, info.GID) == (1, 1)


def lock(maker: Maker, lab: Any) -> None:
    """It is locked."""
    made = maker.new(lab)
    assert maker.calls(lab).lock(made, 3, False) == made
    assert maker.info(lab, made).LOCK.LOCKED == 3


def unlock(maker: Maker, lab: Any) -> None:
    """It is locked no longer."""
    made = maker.new(lab)
    maker.calls(lab).lock(made, 3, False)
    assert maker.calls(lab).unlock(made) == made
    assert maker.info(lab, made).LOCK is None


def delete(maker: Maker, lab: Any) -> None:
    """It is gone, at once or soon."""
    made = maker.new(lab)
    assert maker.calls(lab).delete(made) == made
    lab.until(lambda: lab.call(f"one.{maker.prefix}.info", made)[2] == 0x0400, "gone")


def clone(maker: Maker, lab: Any) -> None:
    """There is another one with the same template."""
    made, name = maker.new(lab), lab.name("copy")
    copy = maker.calls(lab).clone(made, name)
    later(lab, lambda: maker.calls(lab).delete(copy))
    assert name == maker.info(lab, copy).NAME
    assert dict(maker.info(lab, copy).TEMPLATE) == dict(maker.info(lab, made).TEMPLATE)


def _shared() -> None:
    for maker in MAKERS:
        functions = [allocate, rename, update, chmod, chown, *((lock, unlock) if maker.lockable else ())]
        functions += [] if maker is VMS else [delete]
        functions += [clone] if maker in (TEMPLATES, GROUPS, DOCUMENTS) else []
        for function in functions:
            CASES[f"{maker.prefix}.{function.__name__}"] = partial(function, maker)
        CASES[f"{maker.prefix}.info"] = partial(allocate, maker)
        CASES[f"{maker.prefix}pool.info"] = partial(pool, maker)


_shared()
