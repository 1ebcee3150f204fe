"""Rules about several resources of a stack together: a service against its template, references against the target.

The body of a stack is an object with

- `resources`: a list of `{"type", "name", "body", "needs", "protect"}`; `type` is Service, ServiceTemplate or
  VirtualMachineTemplate, `body` is in the platform's names with the object's own number as `id` (UNKNOWN before it
  exists), `needs` maps a property to the names of the resources that it comes from;
- `target`: what exists where the stack goes, `{"templates", "images", "networks"}` as lists of numbers; UNKNOWN when
  nobody has looked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import RoleView, attribute, count, mapping, roles, vectors
from fedstack.rules.rule import Finding, Option, Place, Rule, RuleLevel
from fedstack.rules.settings import settings
from fedstack.rules.template import Template

SERVICE = "Service"
SERVICE_TEMPLATE = "ServiceTemplate"
VM_TEMPLATE = "VirtualMachineTemplate"
KINDS = (SERVICE, SERVICE_TEMPLATE, VM_TEMPLATE)
_MINIMA = ("FL_MIN_FIT_CLIENTS", "FL_MIN_EVALUATE_CLIENTS", "FL_MIN_AVAILABLE_CLIENTS")


@dataclass(frozen=True)
class Resource:
    """One entry of `resources`; what is malformed counts as empty."""

    entry: Mapping[str, Any]

    @property
    def type(self) -> Any:
        """Service, ServiceTemplate or VirtualMachineTemplate."""
        return self.entry.get("type")

    @property
    def name(self) -> str:
        """Its name in the program."""
        name = self.entry.get("name")
        return name if isinstance(name, str) else "?"

    @property
    def body(self) -> Mapping[str, Any]:
        """What is declared."""
        return mapping(self.entry.get("body"))

    @property
    def number(self) -> int | None:
        """Its number on the platform; None while it has none."""
        return _number(self.body.get("id"))

    def needs(self, key: str) -> list[str]:
        """The names of the resources that a property comes from."""
        listed = mapping(self.entry.get("needs")).get(key)
        return [name for name in listed if isinstance(name, str)] if isinstance(listed, list | tuple) else []

    def at(self, path: str) -> str:
        """A path in it, as reports write it."""
        return f"{self.name}: {path}"


@dataclass(frozen=True)
class Stack:
    """The resources of a stack, and what refers to what."""

    resources: tuple[Resource, ...]
    target: Any

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Stack":
        """Reads the body of a stack."""
        listed = body.get("resources")
        entries = listed if isinstance(listed, list | tuple) else ()
        return cls(tuple(Resource(each) for each in entries if isinstance(each, Mapping)), body.get("target", UNKNOWN))

    def every(self, kind: str) -> list[Resource]:
        """The resources of a type."""
        return [each for each in self.resources if each.type == kind]

    @cached_property
    def deployments(self) -> list[tuple[Resource, Resource]]:
        """Services with the template that they are made of, where the stack has it."""
        pairs = ((each, self._template(each)) for each in self.every(SERVICE))
        return [(service, template) for service, template in pairs if template]

    def _template(self, service: Resource) -> Resource | None:
        named, number = service.needs("serviceTemplateId"), _number(service.body.get("service_template_id"))
        for template in self.every(SERVICE_TEMPLATE):
            if template.name in named or (number is not None and number == template.number):
                return template
        return None

    def machines(self, declared: Resource, role: RoleView) -> list[Resource]:
        """The VM template of a role: by number; before there is one, those that it may be, by what roles need."""
        number = _number(role.fields.get("template_id"))
        if number is not None:
            return [each for each in self.every(VM_TEMPLATE) if each.number == number]
        needed = [each for each in self.every(VM_TEMPLATE) if each.name in declared.needs("roles")]
        return [each for each in needed if each.name.endswith(role.name)] or needed

    def references(self) -> Iterator[tuple[str, int, str]]:
        """What is referred to by number and is no part of the stack: kind, number, path of the reference."""
        own = {each.number for each in self.every(VM_TEMPLATE)}
        for template in self.every(SERVICE_TEMPLATE):
            for role in roles(template.body):
                number = _number(role.fields.get("template_id"))
                if number is not None and number not in own:
                    yield "templates", number, template.at(role.at("template_id"))
        for machine in self.every(VM_TEMPLATE):
            for vector, key, kind in (("DISK", "IMAGE_ID", "images"), ("NIC", "NETWORK_ID", "networks")):
                for place, each in vectors(machine.body, vector):
                    number = _number(attribute(each, key))
                    if number is not None and not machine.needs(vector):
                        yield kind, number, machine.at(f"{place}.{key}")


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _chosen(service: Resource, role: RoleView) -> tuple[Any, str]:
    """How many VMs of a template's role a service has, and where that is said."""
    for own in roles(service.body):
        if own.fields.get("name") == role.fields.get("name") and own.fields.get("cardinality") is not None:
            return own.count("cardinality"), service.at(own.at("cardinality"))
    return None, ""


def _superlinks(template: Template) -> Iterator[Finding]:
    for service, declared in Stack.of(template.body).deployments:
        for role in Template(declared.body).coordinators:
            number, path = _chosen(service, role)
            if isinstance(number, int) and number != 1:
                yield Finding(path, f"of role {role.name} is {number}, must be 1")


def _too_few(template: Template) -> Iterator[Finding]:
    for service, declared in Stack.of(template.body).deployments:
        view = Template(declared.body)
        if not view.federates or len(view.supernodes) != 1 or not view.all_roles_known:
            continue
        number, path = _chosen(service, view.supernodes[0])
        link = settings(view, view.superlinks[0])
        if isinstance(number, int) and link.judgeable(_MINIMA):
            values = link.effective()
            needed, name = max((count(values[each]) or 0, each) for each in _MINIMA)
            if number < needed:
                yield Finding(path, f"is {number}, must be at least {name} ({needed}) of {declared.name}")


def _out_of_bounds(template: Template) -> Iterator[Finding]:
    for service, declared in Stack.of(template.body).deployments:
        for role in roles(declared.body):
            number, path = _chosen(service, role)
            low, high = role.count("min_vms"), role.count("max_vms")
            if not isinstance(number, int):
                continue
            if isinstance(low, int) and number < low:
                yield Finding(path, f"of role {role.name} is {number}, must be at least min_vms ({low})")
            if isinstance(high, int) and number > high:
                yield Finding(path, f"of role {role.name} is {number}, must be at most max_vms ({high})")


def _unknown_roles(template: Template) -> Iterator[Finding]:
    for service, declared in Stack.of(template.body).deployments:
        if not Template(declared.body).all_roles_known:
            continue
        names = [role.fields.get("name") for role in roles(declared.body)]
        for role in roles(service.body):
            name = role.fields.get("name")
            if isinstance(name, str) and name not in names:
                known = ", ".join(str(each) for each in names) or "none"
                yield Finding(service.at(role.at("name")), f"is {name!r}, which {declared.name} lacks (it has {known})")


def _without_network(template: Template) -> Iterator[Finding]:
    stack = Stack.of(template.body)
    for declared in stack.every(SERVICE_TEMPLATE):
        for role in roles(declared.body):
            machines = stack.machines(declared, role)
            if machines and all(_lacks_nic(each.body) for each in [*machines, Resource({"body": role.contents})]):
                names = " or ".join(each.name for each in machines)
                yield Finding(declared.at(role.path), f"({role.name}) is on no network, and neither is {names}")


def _lacks_nic(attributes: Mapping[str, Any]) -> bool:
    return all(attribute(attributes, key) in (None, [], ()) for key in ("NIC", "NIC_DEFAULT"))


def _absent(template: Template) -> Iterator[Finding]:
    stack = Stack.of(template.body)
    for kind, number, path in stack.references():
        existing = mapping(stack.target).get(kind)
        if isinstance(existing, list | tuple) and UNKNOWN not in existing and number not in existing:
            yield Finding(path, f"is {number}, and there is no such object (or no right to use it) among the {kind}")


def _unprotected(template: Template) -> Iterator[Finding]:
    if template.option("required"):
        for service in Stack.of(template.body).every(SERVICE):
            if service.entry.get("protect") is False:
                yield Finding(service.at("protect"), "is false, must be true")


def _names_twice(template: Template) -> Iterator[Finding]:
    seen: set[str] = set()
    for service in Stack.of(template.body).every(SERVICE):
        name = service.body.get("name")
        if isinstance(name, str) and name in seen:
            yield Finding(service.at("name"), f"is {name!r}, as that of another service of the stack")
        elif isinstance(name, str):
            seen.add(name)


SERVICE_KEEPS_ONE_SUPERLINK = Rule(
    id="service-keeps-one-superlink",
    title="A service does not multiply its SuperLink",
    why="A second SuperLink has its own state database: clients split between the two and training is lost.",
    fix="remove cardinality of the coordinator role from the service, or set it to 1.",
    level=RuleLevel.MANDATORY,
    source="reference 7.1, ORCH-AP2, said by the service instead of its template",
    places=(Place.STACK,),
    find=_superlinks,
)

SERVICE_COVERS_CLIENTS = Rule(
    id="service-covers-clients",
    title="A service has as many SuperNodes as a round needs",
    why="With fewer the first round waits for ever.",
    fix="raise cardinality of the role in the service, or lower the FL_MIN_* variable.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, 10b; 6.5",
    places=(Place.STACK,),
    find=_too_few,
)

SERVICE_WITHIN_BOUNDS = Rule(
    id="service-within-bounds",
    title="A service keeps to its template's bounds",
    why="The platform refuses to instantiate it, when everything else of the stack is deployed already.",
    fix="choose cardinality between min_vms (minVms) and max_vms (maxVms) of the role, or move the bounds.",
    level=RuleLevel.MANDATORY,
    source="OneFlow, cardinality and its bounds",
    places=(Place.STACK,),
    find=_out_of_bounds,
)

SERVICE_ROLES_EXIST = Rule(
    id="service-roles-exist",
    title="A service speaks of roles that its template has",
    why="Roles are merged by name: what is said of an unknown one is lost without a word.",
    fix="use the name of a role of the service template.",
    level=RuleLevel.MANDATORY,
    source="OneFlow, merge at instantiation",
    places=(Place.STACK,),
    find=_unknown_roles,
)

ROLE_HAS_NETWORK = Rule(
    id="role-has-network",
    title="Every role is on a network",
    why="A VM on no network cannot reach OneGate: it never reports ready and the service hangs in DEPLOYING.",
    fix="add nics to the VM template, or a NIC to the role's template_contents (templateContents).",
    level=RuleLevel.MANDATORY,
    source="OneGate is reached through a NIC",
    places=(Place.STACK,),
    find=_without_network,
)

OBJECTS_EXIST = Rule(
    id="objects-exist",
    title="What is referred to by number exists on the target",
    why="The deployment fails half-way: the platform looks for VM templates, images and networks when a VM is created.",
    fix="use the number of an object that the target has (`onetemplate list`, `oneimage list`, `onevnet list`).",
    level=RuleLevel.MANDATORY,
    source="OpenNebula, creation of a VM",
    places=(Place.STACK,),
    find=_absent,
)

SERVICE_PROTECTED = Rule(
    id="service-protected",
    title="A service that must not be deleted is protected",
    why="One change of a boot-scoped value replaces the service, and with it everything on its disks.",
    fix="set protect of the service (`protect: true` in fedstack:federation).",
    level=RuleLevel.MANDATORY,
    source="environments in production",
    places=(Place.STACK,),
    options=(Option("required", False, "Whether services of this environment must be protected."),),
    find=_unprotected,
)

SERVICE_NAMES_DIFFER = Rule(
    id="service-names-differ",
    title="Services of a stack have names of their own",
    why="Their VMs cannot be told apart in lists, logs and monitoring.",
    fix="give each service another name.",
    level=RuleLevel.ADVISORY,
    source="OneFlow does not ask for unique names",
    places=(Place.STACK,),
    find=_names_twice,
)
