"""Which packages the plugin is built with: what the provider declares and all that this needs, as it is pinned."""

import re

from tools import dist

PINNED = """\
annotated-types==0.8.0 \\
    --hash=sha256:01
    # via pydantic
lxml==6.1.3 ; python_version >= '3.11' \\
    --hash=sha256:02 \\
    --hash=sha256:03
    # via fedstack (pyproject.toml)
pydantic==2.14.3 \\
    --hash=sha256:04
    # via
    #   fedstack (pyproject.toml)
    #   moto
moto==5.1.0 \\
    --hash=sha256:05
    # via fedstack (pyproject.toml)
"""


def test_a_package_brings_what_it_needs_and_nothing_else() -> None:
    assert dist.closure(dist.blocks(PINNED), ["pydantic"]) == ["annotated-types", "pydantic"]
    assert dist.closure(dist.blocks(PINNED), ["lxml"]) == ["lxml"]


def test_lines_keep_their_hashes_and_markers() -> None:
    assert dist.blocks(PINNED)["lxml"][0].splitlines() == [
        "lxml==6.1.3 ; python_version >= '3.11' \\",
        "    --hash=sha256:02 \\",
        "    --hash=sha256:03",
    ]


def test_everything_that_the_provider_declares_is_pinned() -> None:
    found = dist.blocks((dist.ROOT / "requirements.txt").read_text())
    packages = dist.closure(found, dist.provider_packages())
    assert {"pulumi", "grpcio", "requests", "lxml", "lark", "pydantic-core"} <= set(packages)
    assert not {"pytest", "moto", "typer", "uvicorn", "matplotlib"} & set(packages)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", found[name][0]) for name in packages)


def test_the_versions_agree() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", dist.version())
