"""Rules about what SuperLink and SuperNodes must agree on (reference 2.8: 10a, 10d, 10j; MS-AP5)."""

from collections.abc import Callable, Iterator

from fedstack.context import advice
from fedstack.rules.rule import Finding, Rule, RuleLevel
from fedstack.rules.settings import every
from fedstack.rules.template import Template
from fedstack.rules.variables import between


def _differs(variable: str) -> Callable[[Template], Iterator[Finding]]:
    """A variable on which both appliances must agree; only services of which all roles are known are judged."""

    def find(template: Template) -> Iterator[Finding]:
        sides = [found for found in every(template) if found.judgeable((variable,))]
        links = [found for found in sides if found.appliance == "superlink"]
        for found in sides if links else ():
            mine, other = found.effective().get(variable), links[0].effective().get(variable)
            if mine is not None and mine != other:
                path = next(each.given[variable].path for each in (found, links[0]) if variable in each.given)
                yield Finding(
                    path, f"makes {variable} {mine!r} for role {found.role.name}, but {other!r} for the SuperLink"
                )

    return find


def _keepalive_differs(template: Template) -> Iterator[Finding]:
    for variable in ("FL_GRPC_KEEPALIVE_TIME", "FL_GRPC_KEEPALIVE_TIMEOUT"):
        yield from _differs(variable)(template)


def _client_keepalive(template: Template) -> Iterator[Finding]:
    """The registry's advice is about each side alone; a SuperLink below 10 s is part of it."""
    yield from between(advice, "FL_GRPC_KEEPALIVE_TIME")(template)
    yield from _keepalive_differs(template)


ONE_VERSION = Rule(
    id="one-flower-version",
    title="Both sides run the same Flower",
    why="Other versions answer with gRPC UNIMPLEMENTED or INTERNAL: nodes are up, and no round ever ends.",
    fix="declare FLOWER_VERSION once, for the service.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, 10a",
    find=_differs("FLOWER_VERSION"),
)

ONE_TLS_SETTING = Rule(
    id="one-tls-setting",
    title="Both sides encrypt, or none",
    why="A SuperNode with TLS cannot speak to a SuperLink without it, nor the other way round: it refuses to boot.",
    fix="declare FL_TLS_ENABLED once, for the service.",
    level=RuleLevel.MANDATORY,
    source="reference 2.6, 5.3",
    find=_differs("FL_TLS_ENABLED"),
)

ONE_ISOLATION = Rule(
    id="one-isolation",
    title="Both sides run apps in the same way",
    why="With process on one side only, that side waits for helpers that nobody starts.",
    fix="declare FL_ISOLATION once, for the service.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10d",
    find=_differs("FL_ISOLATION"),
)

KEEPALIVE = Rule(
    id="keepalive-interval",
    title="Pings are neither too frequent nor of two minds",
    why="A SuperLink answers pings that come faster than every 30 s with GOAWAY: the SuperNode starts over for ever.",
    fix="choose FL_GRPC_KEEPALIVE_TIME of at least 30, once for the service.",
    level=RuleLevel.ADVISORY,
    antipatterns=("MS-AP5",),
    source="reference 2.8, 10j",
    find=_client_keepalive,
)
