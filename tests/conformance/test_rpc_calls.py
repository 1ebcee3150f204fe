"""Sessions, faults and the conventions that all XML-RPC calls share (reference 2.1 to 2.4)."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pyone
import pytest
import requests


def refusal(lab: Any, method: str, *parameters: Any) -> tuple[int, str]:
    """Code and message of a call that is refused."""
    reply = lab.call(method, *parameters)
    assert reply[0] is False, reply
    assert len(reply) == 5
    return reply[2], reply[1]


@pytest.mark.parametrize("session", ["oneadmin:wrong", "nobody:x", "oneadmin", ":", ""])
def test_a_wrong_session_is_refused(target: Any, session: str) -> None:
    reply = xmlrpc.client.ServerProxy(target.rpc).one.system.version(session)
    assert reply[:1] == [False]
    assert reply[2] == 0x0100


def test_colons_belong_to_the_password(other: Any) -> None:
    assert other.auth.split(":")[0] == other.one.user.info(-1).NAME


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("one.vm.info", ()),
        ("one.vm.info", ("7",)),
        ("one.template.allocate", (3,)),
        ("one.vm.action", (3, "terminate")),
        ("one.no.such.method", ()),
    ],
)
def test_wrong_parameters_and_methods_are_faults(lab: Any, method: str, parameters: tuple[Any, ...]) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        lab.call(method, *parameters)
    assert fault.value.faultCode in (-501, -502, -506)


def test_further_parameters_are_ignored(lab: Any) -> None:
    assert lab.call("one.system.version", True, 3, "x")[0] is True


@pytest.mark.parametrize("body", [b"", b"<a>", b"no xml", b"\xff\xfe\x00", b"<methodCall></methodCall>"])
def test_bodies_that_are_no_call_do_no_harm(lab: Any, target: Any, body: bytes) -> None:
    reply = requests.post(target.rpc, data=body, timeout=10)
    assert b"Traceback" not in reply.content
    assert lab.one.system.version()


def test_entities_are_not_expanded(lab: Any, target: Any) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "lol">]><methodCall><methodName>&x;</methodName></methodCall>'
    assert b"lol" not in requests.post(target.rpc, data=bomb, timeout=10).content
    assert lab.one.system.version()


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ("one.template.info", "virtual machine template"),
        ("one.vm.info", "virtual machine"),
        ("one.image.info", "image"),
        ("one.vn.info", "virtual network"),
        ("one.document.info", "document"),
        ("one.user.info", "user"),
        ("one.group.info", "group"),
        ("one.host.info", "host"),
        ("one.datastore.info", "datastore"),
        ("one.cluster.info", "cluster"),
        ("one.zone.info", "zone"),
        ("one.secgroup.info", "security group"),
    ],
)
def test_missing_objects_have_code_1024(lab: Any, method: str, word: str) -> None:
    code, message = refusal(lab, method, 999999)
    assert code == 1024
    assert message == f"[{method}] Error getting {word} [999999]."


@pytest.mark.parametrize("name", ["", "a" * 129, "a/b", "a&b", 'a"b', "a$b", "a{b}", "a\tb", "a;b"])
def test_names_are_checked(lab: Any, name: str) -> None:
    template_id = lab.template()
    code, _ = refusal(lab, "one.template.rename", template_id, name)
    assert code in (0x0800, 0x2000)


def test_rename_to_the_same_name_succeeds(lab: Any) -> None:
    template_id = lab.template()
    name = lab.one.template.info(template_id).NAME
    assert lab.one.template.rename(template_id, name) == template_id


def test_rename_to_a_taken_name_is_refused(lab: Any) -> None:
    first, second = lab.template(), lab.template()
    code, _ = refusal(lab, "one.template.rename", second, lab.one.template.info(first).NAME)
    assert code == 0x0800


def test_update_replaces_or_appends(lab: Any) -> None:
    template_id = lab.template('A="1"\nB="2"')
    lab.one.template.update(template_id, 'B="3"\nC="4"', 1)
    template = lab.one.template.info(template_id).TEMPLATE
    assert (template["A"], template["B"], template["C"]) == ("1", "3", "4")
    lab.one.template.update(template_id, 'D="5"', 0)
    assert dict(lab.one.template.info(template_id).TEMPLATE) == {"D": "5"}
    code, _ = refusal(lab, "one.template.update", template_id, 'E="6"', 7)
    assert code == 0x1000


def test_xml_is_template_text_too(lab: Any) -> None:
    template_id = lab.template()
    lab.one.template.update(template_id, "<T><A>1</A><NIC><NETWORK>n</NETWORK></NIC></T>", 0)
    template = lab.one.template.info(template_id).TEMPLATE
    assert template["A"] == "1"
    assert template["NIC"]["NETWORK"] == "n"


def test_text_with_quotes_markup_and_umlauts_survives(lab: Any) -> None:
    template_id = lab.template()
    value = "a <b> & \"c\" 'd' äöü end"
    escaped = value.replace('"', '\\"')
    lab.one.template.update(template_id, f'A="{escaped}"', 0)
    assert lab.one.template.info(template_id).TEMPLATE["A"] == value


def test_broken_template_text_is_an_internal_error(lab: Any) -> None:
    assert refusal(lab, "one.template.allocate", 'NAME="x')[0] == 0x2000


def test_chmod_sets_and_keeps_bits(lab: Any) -> None:
    template_id = lab.template()
    lab.one.template.chmod(template_id, -1, -1, -1, 1, 0, 0, 1, 0, 0)
    bits = lab.one.template.info(template_id).PERMISSIONS
    assert (bits.OWNER_U, bits.OWNER_M, bits.GROUP_U, bits.OTHER_U, bits.OTHER_M) == (1, 1, 1, 1, 0)


def test_chown_to_unknown_users_is_refused(lab: Any) -> None:
    assert refusal(lab, "one.template.chown", lab.template(), 99999, -1)[0] == 1024


def test_pools_are_pages_of_ascending_ids(lab: Any) -> None:
    made = [lab.template() for _ in range(3)]
    ids = [one.ID for one in lab.one.templatepool.info(-2, made[0], made[-1]).VMTEMPLATE]
    assert ids == made
    page = [one.ID for one in lab.one.templatepool.info(-2, 0, -2).VMTEMPLATE]
    assert len(page) == 2


def test_locked_objects_refuse_others_only(lab: Any, other: Any) -> None:
    template_id = other.template()
    other.one.template.lock(template_id, 1)
    assert lab.one.template.info(template_id).LOCK.LOCKED == 1
    other.one.template.unlock(template_id)
    assert other.one.template.info(template_id).LOCK is None


def test_other_users_see_and_change_nothing(lab: Any, other: Any) -> None:
    template_id = lab.template()
    assert refusal(other, "one.template.info", template_id)[0] == 0x0200
    assert refusal(other, "one.template.delete", template_id)[0] == 0x0200
    assert template_id not in [one.ID for one in other.one.templatepool.info(-2, -1, -1).VMTEMPLATE]
    lab.one.template.chmod(template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    assert template_id == other.one.template.info(template_id).ID
    assert refusal(other, "one.template.update", template_id, 'A="1"', 1)[0] == 0x0200


def test_ordinary_users_may_not_make_users(other: Any) -> None:
    with pytest.raises(pyone.OneAuthorizationException):
        other.one.user.allocate("mallory", "x", "core", [])


def test_ordinary_users_cannot_give_objects_away(other: Any) -> None:
    assert refusal(other, "one.template.chown", other.template(), 0, -1)[0] == 0x0200


def test_every_pool_and_object_binds_to_pyone(lab: Any) -> None:
    one = lab.one
    assert one.hostpool.info().HOST
    assert {store.ID for store in one.datastorepool.info().DATASTORE} >= {0, 1, 2}
    assert one.clusterpool.info().CLUSTER[0].ID == 0
    assert one.zonepool.info().ZONE[0].NAME
    assert one.zone.info(0).TEMPLATE["ENDPOINT"]
    assert one.userpool.info().USER[0].NAME == "oneadmin"
    assert one.grouppool.info().GROUP[1].NAME == "users"
    assert one.group.info(0).USERS.ID
    assert one.secgrouppool.info(-2, -1, -1).SECURITY_GROUP[0].ID == 0
    assert one.secgroup.info(0).NAME == "default"
    assert one.host.info(one.hostpool.info().HOST[0].ID).HOST_SHARE.TOTAL_CPU
    assert one.datastore.info(1).NAME == "default"
    assert one.cluster.info(0).DATASTORES.ID
    assert one.system.config()


def test_generic_documents(lab: Any) -> None:
    document_id = lab.one.document.allocate('NAME="d"\nA="1"', 900)
    assert lab.one.document.info(document_id).TEMPLATE["A"] == "1"
    lab.one.document.update(document_id, 'B="2"', 1)
    copy = lab.one.document.clone(document_id, "d2")
    found = lab.one.documentpool.info(-2, -1, -1, 900).DOCUMENT
    assert {document_id, copy} <= {one.ID for one in found}
    for one in (document_id, copy):
        lab.one.document.delete(one)
    assert refusal(lab, "one.document.info", document_id)[0] == 1024
