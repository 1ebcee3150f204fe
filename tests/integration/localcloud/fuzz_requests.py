"""Requests that no honest client sends, made of a seed: one generator for each of the three APIs."""

from __future__ import annotations

import base64
import random
import re
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fedstack.localcloud.rpc.urls import METHODS
from tests.integration.localcloud import fuzz_values as values
from tests.integration.localcloud.fuzz_judge import Reply

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><methodCall><methodName>&i;</methodName></methodCall>"
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><methodCall><methodName>&x;</methodName></methodCall>'
GARBAGE: list[bytes] = [
    *(b"", b"\xff\xfe", b"<methodCall>", b"<a>" * 20000, b"\xc3\x28" * 50, b"\x00" * 100, b"{}", BOMB.encode()),
    *(OUTSIDE.encode(), BOMB.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), b"<methodResponse/>"),
    b"<methodCall><methodName>one.vm.info</methodName><params>" + b"<param><value><int>1</int></value></param>" * 9000,
    b"<methodCall><methodName>x</methodName><params><param><value><bigdecimal>x</bigdecimal></value></param></params>"
    b"</methodCall>",
    b"<methodCall><methodName>x</methodName><params><param><value><int>" + b"9" * 9000 + b"</int></value></param>"
    b"</params></methodCall>",
    b"<methodCall><methodName>x</methodName><params><param><value><nil/></value></param></params></methodCall>",
    b"<methodCall><methodName>system.methodHelp</methodName></methodCall>",
    b"<methodCall><methodName>system.methodSignature</methodName><params><param><value><int>1</int></value></param>"
    b"</params></methodCall>",
]
_KEPT = ("one.user.", "one.host.delete")
"""Calls that must not reach the account and the host that this test needs itself."""
_NAMES = [name for name in sorted(METHODS) if METHODS[name].required]
_HEADERS = [
    {"X-ONEGATE-VMID": "\xb2"},
    {"X-ONEGATE-VMID": "9" * 400},
    {"X-ONEGATE-VMID": "-1"},
    {"X-ONEGATE-VMID": "0", "X-ONEGATE-TOKEN": "\xe9" * 9},
    {"X-ONEGATE-VMID": "0", "X-ONEGATE-TOKEN": "AAAA"},
    {"X-ONEGATE-VMID": "0", "X-ONEGATE-TOKEN": base64.b64encode(b"x" * 4096).decode()},
    {"X-ONEGATE-VMID": "0 OR 1=1"},
    {},
]
_PATHS = [
    "/",
    "//",
    "/..",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%00",
    "/%ff",
    "/vm/",
    "/vms",
    "/" + "a" * 3000,
]


@dataclass
class Request:
    """One request for one of the servers (`rpc`, `flow`, `gate`); `about` says in a failure where it came from."""

    server: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""

    def raw(self) -> bytes:
        """The bytes on the wire; a body has its length unless the headers say something else of it."""
        headers = {"Host": "x", "Connection": "close", **self.headers}
        if not {"Content-Length", "Transfer-Encoding"} & set(headers):
            headers["Content-Length"] = str(len(self.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1", "replace") + self.body


@dataclass
class Generator:
    """Makes requests for a cloud with a few objects. `guests`: VM id and token; `sessions`: `user:password`."""

    chance: random.Random
    sessions: list[str]
    guests: list[tuple[int, str]]
    template_id: int
    documents: list[int] = field(default_factory=lambda: [0, 1])
    made: int = 0

    def learn(self, reply: Reply) -> None:
        """Remembers which services and service templates there are."""
        if reply.status == 201 and (found := re.search(rb'"ID": "([0-9]+)"', reply.body)):
            self.documents = [*self.documents[-9:], int(found[1])]

    def next(self) -> Request:
        """Any request."""
        kind: Callable[[], Request] = self.chance.choices([self.rpc, self.flow, self.gate], [5, 4, 3])[0]
        return kind()

    def _session(self) -> str:
        if self.chance.random() < 0.04:
            return self.chance.choice([*values.TEXTS, "oneadmin:", "oneadmin:wrong", ":", "a:b:c", "\x0b"])
        return self.chance.choices(self.sessions, [12, 1])[0]

    def rpc(self) -> Request:
        """A call: mostly of the right form with wrong values, some of the wrong form, some no call at all."""
        pick = self.chance.random()
        if pick < 0.08:
            return Request("rpc", "POST", "/RPC2", self.chance.choice(GARBAGE), about="garbage")
        return self.call(self.chance.choice(_NAMES if pick < 0.95 else sorted(METHODS)), wrong=pick < 0.2)

    def call(self, name: str, *, wrong: bool = False) -> Request:
        """A call of one method; `wrong`: one parameter has another type, or there are too few or too many."""
        letters = METHODS[name].required + METHODS[name].optional
        parameters = [self._parameter(letter) for letter in letters]
        if name.startswith(_KEPT) and parameters and parameters[0] in (0, -1):
            parameters[0] = 2
        if wrong:
            self._spoil(parameters)
        body = xmlrpc.client.dumps((self._session(), *parameters), name, allow_none=True)
        about = f"{name}{tuple(str(one)[:60] for one in parameters)}"
        return Request("rpc", "POST", "/RPC2", self._cut(body.encode("utf-8", "replace")), about=about)

    def _parameter(self, letter: str) -> Any:
        if letter == "i":
            return self.chance.choice(range(5) if self.chance.random() < 0.7 else values.NUMBERS)
        if letter == "b":
            return self.chance.random() < 0.5
        if letter == "a":
            return [self.chance.choice([*values.NUMBERS, "x", []]) for _ in range(self.chance.randint(0, 3))]
        return self._text()

    def _text(self) -> str:
        """A name, an action, template text of any quality."""
        pick = self.chance.random()
        if pick > 0.65:
            return self.chance.choice(values.TEXTS)
        self.made += 1
        good = self.chance.choice(values.GOOD).replace("%d", str(self.made))
        if pick < 0.2:
            return good
        odd = self.chance.choice(values.TEMPLATES)
        return good + odd if pick < 0.4 else odd

    def _spoil(self, parameters: list[Any]) -> None:
        wrong: list[Any] = [None, True, 1.5, "x", "²", [], [1], {}, {"a": []}, xmlrpc.client.Binary(b"\xff"), 7]
        if parameters and self.chance.random() < 0.8:
            parameters[self.chance.randrange(len(parameters))] = self.chance.choice(wrong)
        elif parameters and self.chance.random() < 0.5:
            parameters.pop()
        else:
            parameters.extend(wrong)

    def _cut(self, body: bytes) -> bytes:
        pick = self.chance.random()
        if pick < 0.03:
            return body[: self.chance.randint(0, len(body))]
        if pick < 0.05:
            place = self.chance.randint(0, len(body))
            return body[:place] + self.chance.randbytes(4) + body[place:]
        return body

    def _number(self) -> str:
        odd = ["²", "-1", "9" * 30, "x", "..", "%2e%2e", "%00", "1%0a", "٣"]
        return str(self.chance.choice(self.documents if self.chance.random() < 0.85 else odd))

    def flow(self) -> Request:
        """A request for OneFlow."""
        coded = base64.b64encode(self._session().encode("utf-8", "surrogatepass")).decode()
        header = self.chance.choice([*[f"Basic {coded}"] * 20, "Basic ???", "Bearer x", "Basic /w=="])
        method, path, body = self._flow_call()
        if self.chance.random() < 0.03:
            method, path = self.chance.choice(["PATCH", "PUT", "OPTIONS", "HEAD", "X"]), self.chance.choice(_PATHS)
        about = f"{method} {path} {body[:300]!r}"
        return Request("flow", method, _encoded(path), body, {"Authorization": header}, about)

    def _flow_call(self) -> tuple[str, str, bytes]:
        number = self._number()
        sent: dict[str, Any] = {
            "POST /service_template": values.service(self.chance, self.template_id),
            f"PUT /service_template/{number}": values.service(self.chance, self.template_id),
            f"POST /service_template/{number}/action": self._template_action(),
            f"POST /service/{number}/action": self._action(
                ["recover", "release", "chown", "chmod", "rename", "poweroff"]
            ),
            f"POST /service/{number}/role/r0/action": self._action(["poweroff", "terminate", "snapshot-create"]),
            f"POST /service/{number}/scale": {"role_name": "r0", "cardinality": self._count(), "force": True},
            f"POST /service/{number}/role_action": self._role_action(),
            f"PUT /service/{number}": self._change(),
            f"DELETE /service/{number}": None,
            f"DELETE /service_template/{number}": {"delete_type": self.chance.choice(["none", "x", [], 1])},
            f"DELETE /service/{number}/sched_action/{self._number()}": None,
            f"GET /service/{number}": None,
            "GET /service": None,
            "GET /service_template": None,
            "POST /service_pool/purge_done": None,
        }
        weights = [4, 2, 6, 4, 1, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1]
        route = self.chance.choices(list(sent), weights[: len(sent)])[0]
        method, path = route.split(" ", 1)
        return method, path, b"" if sent[route] is None else values.as_json(self.chance, sent[route])

    def _count(self) -> Any:
        return self.chance.choice([0, 1, 2, 3, "2", -1, "²", 2**40, 10**30, 1.5, None, [], "1e9"])

    def _action(self, names: list[str]) -> Any:
        params = {"delete": True, "owner_id": self._count(), "group_id": self._count(), "octet": "9x", "name": "a/b"}
        params |= {"period": self._count(), "number": self._count(), "args": values.odd(self.chance)}
        given = params if self.chance.random() < 0.7 else values.odd(self.chance)
        return {"action": {"perform": self.chance.choice([*names, *values.TEXTS[:5]]), "params": given}}

    def _template_action(self) -> Any:
        merge: dict[str, Any] = {"roles": [values.role(self.chance, self.template_id)]}
        if self.chance.random() < 0.5:
            merge[self.chance.choice(values.SERVICE_KEYS)] = values.odd(self.chance)
        params: dict[str, Any] = {
            "instantiate": {"merge_template": merge} if self.chance.random() < 0.5 else {},
            "clone": {"name": self.chance.choice(values.TEXTS), "recursive": values.odd(self.chance)},
            "update": {"append": True, "template_json": self._json_text(values.odd(self.chance))},
            "chmod": {"octet": values.odd(self.chance)},
        }
        perform = self.chance.choice(["instantiate", "instantiate", *params])
        return {"action": {"perform": perform, "params": params[perform]}}

    def _role_action(self) -> Any:
        role = values.role(self.chance, self.template_id) if self.chance.random() < 0.5 else values.odd(self.chance)
        return {"action": {"perform": self.chance.choice(["add_role", "remove_role", "x"]), "params": {"role": role}}}

    def _change(self) -> Any:
        if self.chance.random() < 0.5:
            return {"append": True, "template": self._json_text({"x y": values.odd(self.chance)})}
        return values.service(self.chance, self.template_id)

    def gate(self) -> Request:
        """A request of a guest, or of somebody who would like to be one."""
        vm_id, token = self.chance.choice(self.guests)
        headers = {"X-ONEGATE-VMID": str(vm_id), "X-ONEGATE-TOKEN": token}
        if self.chance.random() < 0.15:
            headers = {**self.chance.choice([{}, headers]), **self.chance.choice(_HEADERS)}
        number = self.chance.choice([str(vm_id), self._number()])
        text = self._text().encode("utf-8", "replace")
        update = self.chance.choice([text, b"READY=YES", b"data=" + quote(text).encode() + b"&type=" + self._kind()])
        role = quote(self.chance.choice(["r", *values.TEXTS]))
        reboot = {"action": {"perform": "reboot", "params": values.odd(self.chance)}}
        options = [
            ("PUT", "/vm", update),
            ("PUT", f"/vms/{number}", update),
            ("GET", "/vm", b""),
            ("GET", "/service?extended=" + quote(self.chance.choice(values.TEXTS)), b""),
            ("GET", f"/vms/{number}", b""),
            ("PUT", f"/service/role/{role}", self._json({"cardinality": self._count()})),
            ("POST", f"/vms/{number}/action", self._json(reboot)),
            (self.chance.choice(["GET", "DELETE", "PATCH"]), self.chance.choice(_PATHS), text),
        ]
        method, path, body = self.chance.choices(options, [6, 2, 1, 1, 1, 2, 1, 1])[0]
        return Request("gate", method, _encoded(path), body, headers, f"{method} {path} {body[:300]!r} as {headers}")

    def _kind(self) -> bytes:
        return self.chance.choice([b"1", b"2", b"3", b"", b"x"])

    def _json_text(self, value: Any) -> str:
        return self._json(value).decode("latin-1")

    def _json(self, value: Any) -> bytes:
        return values.as_json(self.chance, value)


def _encoded(path: str) -> str:
    """A path as it may stand in a request line."""
    return quote(path, safe="/%?=&.~-_")
