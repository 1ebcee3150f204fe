"""Which variable a role gets with which value, and where the template says so (reference 2.6).

Later sources win, as on the platform: CONTEXT, defaults of service inputs and role inputs, then values of the service
and of the role.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.context import effective, is_set, named
from fedstack.oneflow.problem import member
from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import RoleView, attribute, mapping
from fedstack.rules.template import Template

MARKETPLACE = "ONEAPP_"
"""What the marketplace's appliances put before the names of their variables (reference 16)."""


@dataclass(frozen=True)
class Setting:
    """A variable's value (text or UNKNOWN; empty: declared, to be filled in), its path, whether it must be given."""

    value: Any
    path: str
    mandatory: bool = False

    @property
    def known(self) -> bool:
        """Whether there is a value that can be judged."""
        return isinstance(self.value, str) and is_set(self.value)


@dataclass(frozen=True)
class Settings:
    """What a role's variables are set to. `complete` says that no source is unknown as a whole."""

    role: RoleView
    appliance: Any
    given: Mapping[str, Setting]
    complete: bool

    def known(self) -> dict[str, str]:
        """The values that can be judged."""
        return {name: setting.value for name, setting in self.given.items() if setting.known}

    def effective(self) -> dict[str, str]:
        """Every variable of the appliance, with our defaults in the gaps."""
        return effective(self.appliance, self.known())

    def judgeable(self, names: tuple[str, ...]) -> bool:
        """Whether no value that a verdict rests on is still unknown."""
        return self.complete and not any(name in self.given and self.given[name].value is UNKNOWN for name in names)

    def path(self, name: str) -> str:
        """Where a variable is set; the role where it is not."""
        return self.given[name].path if name in self.given else self.role.path


def settings(template: Template, role: RoleView) -> Settings:
    """The variables of a role."""
    given: dict[str, Setting] = {}
    complete = True
    for source, path, is_input in _sources(template, role):
        complete = complete and source is not UNKNOWN
        for name, value in mapping(source).items():
            setting = _input(value, member(path, name)) if is_input else _value(value, member(path, name))
            known = str(name).removeprefix(MARKETPLACE)
            if setting.value != "" or known not in given:
                given[known] = setting
    return Settings(role, template.appliance(role), given, complete)


def every(template: Template) -> Iterator[Settings]:
    """The settings of every role that runs an appliance."""
    for role, _ in template.flower_roles():
        yield settings(template, role)


def declared(holder: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, Any]]:
    """Path, name and USER_INPUT string of every input that a service or a role declares."""
    for name, text in mapping(holder.get("user_inputs")).items():
        yield member(member(path, "user_inputs"), str(name)), str(name), text


def input_default(text: Any) -> Any:
    """The default in a USER_INPUT string `flag|type|description|options|default`; empty without one."""
    if text is UNKNOWN:
        return UNKNOWN
    fields = text.split("|", 4) if isinstance(text, str) else []
    return fields[4] if len(fields) == 5 else ""


def is_variable(name: str) -> bool:
    """Whether a name is one of the appliances' variables that people set (the guest agent's own are not)."""
    return bool(named(name)) and name.startswith(("FL_", "FLOWER_", "ML_"))


def _sources(template: Template, role: RoleView) -> Iterator[tuple[Any, str, bool]]:
    context = role.at("template_contents.CONTEXT")
    for each in _vectors(attribute(role.contents, "CONTEXT")):
        yield each, context, False
    yield template.body.get("user_inputs"), "user_inputs", True
    yield role.fields.get("user_inputs"), role.at("user_inputs"), True
    yield template.body.get("user_inputs_values"), "user_inputs_values", False
    yield role.fields.get("user_inputs_values"), role.at("user_inputs_values"), False


def _vectors(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _input(text: Any, path: str) -> Setting:
    mandatory = isinstance(text, str) and text.upper().startswith("M|")
    return Setting(input_default(text), path, mandatory)


def _value(value: Any, path: str) -> Setting:
    if value is UNKNOWN or isinstance(value, str):
        return Setting(value, path)
    if isinstance(value, bool):
        return Setting("YES" if value else "NO", path)
    return Setting(str(value) if isinstance(value, int | float) else "", path)
