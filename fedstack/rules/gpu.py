"""Rules about GPUs: what a VM template with a PCI device needs (GPU-AP3 to GPU-AP5), and shares of memory."""

from collections.abc import Callable, Iterator

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import attribute
from fedstack.rules.rule import Finding, Option, Place, Rule, RuleLevel, shown
from fedstack.rules.settings import every
from fedstack.rules.template import Template


def _with_device(
    vector: str, key: str, fits: Callable[[str], bool], expected: str
) -> Callable[[Template], Iterator[Finding]]:
    def find(template: Template) -> Iterator[Finding]:
        value = attribute(template.body, vector, key)
        if attribute(template.body, "PCI") in (None, UNKNOWN) or value is UNKNOWN:
            return
        if not fits(str(value or "")):
            yield Finding(f"{vector}.{key}", f"is {shown(value)} in a template with a PCI device, must be {expected}")

    return find


def _large_share(template: Template) -> Iterator[Finding]:
    largest = template.option("largestPercent")
    for found in every(template):
        share = found.known().get("FL_GPU_MEMORY_FRACTION", "")
        if found.appliance == "supernode" and _number(share) > largest / 100:
            path = found.path("FL_GPU_MEMORY_FRACTION")
            yield Finding(path, f"is {share}, must be at most {largest / 100}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _machine(template: Template) -> Iterator[Finding]:
    """OpenNebula has the machine under OS; the reference writes it under FEATURES."""
    values = [attribute(template.body, vector, "MACHINE") for vector in ("OS", "FEATURES")]
    if attribute(template.body, "PCI") in (None, UNKNOWN) or UNKNOWN in values:
        return
    if not any("q35" in str(value) for value in values):
        yield Finding("OS.MACHINE", f"is {shown(values[0])} in a template with a PCI device, must be q35")


_VM = (Place.VM_TEMPLATE,)

FIRMWARE = Rule(
    id="gpu-firmware",
    title="VMs with a GPU start with UEFI",
    why="Under BIOS the guest sees an unknown device and the driver fails: every node falls back to the CPU.",
    fix='set OS = [ FIRMWARE = "UEFI" ].',
    level=RuleLevel.MANDATORY,
    antipatterns=("GPU-AP3",),
    places=_VM,
    find=_with_device(
        "OS", "FIRMWARE", lambda value: value.upper().find("UEFI") >= 0 or "OVMF" in value.upper(), "UEFI"
    ),
)

MACHINE = Rule(
    id="gpu-machine",
    title="VMs with a GPU have a PCIe machine",
    why="On the i440fx machine a GPU is slow and reports PCIe errors.",
    fix='set OS = [ MACHINE = "q35" ] (older releases: FEATURES).',
    level=RuleLevel.ADVISORY,
    antipatterns=("GPU-AP4",),
    places=_VM,
    find=_machine,
)

PINNING = Rule(
    id="gpu-pinning",
    title="VMs with a GPU are pinned to its NUMA node",
    why="Virtual CPUs on another NUMA node than the GPU's cost 30 to 50 % of its speed.",
    fix='set TOPOLOGY = [ PIN_POLICY = "CORE" ].',
    level=RuleLevel.ADVISORY,
    antipatterns=("GPU-AP5",),
    places=_VM,
    find=_with_device("TOPOLOGY", "PIN_POLICY", lambda value: value.upper() in ("CORE", "THREAD", "SHARED"), "CORE"),
)

MEMORY_SHARE = Rule(
    id="gpu-memory-share",
    title="A share of GPU memory leaves room",
    why="The share is a soft limit that leaves out 300 to 500 MB of context: near 1 the process runs out of memory.",
    fix="choose a lower FL_GPU_MEMORY_FRACTION (0.20 for a quarter).",
    level=RuleLevel.ADVISORY,
    antipatterns=("GPU-AP10",),
    options=(Option("largestPercent", 90, "largest share in percent that is not reported"),),
    find=_large_share,
)
