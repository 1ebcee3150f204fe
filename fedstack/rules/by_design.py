"""Anti-patterns that no template can show, each with the design or the test that keeps a federation clear of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ByDesign:
    """An anti-pattern of the reference without a static rule."""

    antipattern: str
    title: str
    why: str
    covered: str


BY_DESIGN: tuple[ByDesign, ...] = (
    ByDesign(
        "MS-AP1",
        "One service over several zones",
        "A service cannot leave its zone; what is elsewhere is never created.",
        "A stack has one OpenNebula endpoint, so it has one zone; each site is judged by itself.",
    ),
    ByDesign(
        "TRAIN-AP2",
        "Checkpoints are thought to be built in",
        "Nothing is saved unless the app does it.",
        "`FL_CHECKPOINT_*` reach the app as run-config keys `checkpoint-*`; tests/unit/context covers the run config.",
    ),
    ByDesign(
        "GPU-AP1",
        "IOMMU is off on the host",
        "There are no IOMMU groups and no VM gets the device.",
        "Only the host can tell. A SuperNode looks for its GPU at boot, else uses the CPU (fedstack/appliance/gpu.py).",
    ),
    ByDesign(
        "GPU-AP2",
        "The host's own driver holds the GPU",
        "The device cannot be assigned to a VM.",
        "Only the host can tell. A SuperNode looks for its GPU at boot, else uses the CPU (fedstack/appliance/gpu.py).",
    ),
    ByDesign(
        "GPU-AP6",
        "The GPU's audio function stays with the host",
        "The VM does not start.",
        "Only the host can tell; the VM's failure ends the deployment with OpenNebula's message.",
    ),
    ByDesign(
        "GPU-AP7",
        "The app takes a GPU for granted",
        "It fails on a node without one.",
        "The example app names no device; every node publishes FL_GPU_AVAILABLE.",
    ),
    ByDesign(
        "GPU-AP8",
        "TensorFlow takes all GPU memory",
        "A second process runs out of memory.",
        "The image of this project has scikit-learn alone, which uses no GPU; `gpu-fits-framework` reports that.",
    ),
    ByDesign(
        "GPU-AP9",
        "The container runtime does not know the GPU",
        "Containers cannot choose the driver.",
        "The appliance starts Flower as processes of the VM, without containers (fedstack/appliance/launch.py).",
    ),
    ByDesign(
        "GPU-AP11",
        "Memory is configured after the first GPU operation",
        "The framework raises a runtime error.",
        "FL_GPU_MEMORY_FRACTION is in Flower's environment before it starts (fedstack/appliance/gpu.py).",
    ),
    ByDesign(
        "MON-AP2",
        "The output of nvidia-smi is scraped",
        "Its text changes and misses cases.",
        "It is asked once, at boot, for the name in CSV form (fedstack/appliance/gpu.py); nothing scrapes it.",
    ),
    ByDesign(
        "MON-AP3",
        "The metrics client is part of the Flower image",
        "App and image cannot change independently.",
        "images/flower-sklearn/requirements.txt does not name it; an app brings what it needs.",
    ),
    ByDesign(
        "MON-AP4",
        "Metrics are pushed",
        "That needs a gateway, and a silent node looks like a healthy one.",
        "The appliance pushes no metrics; FL_METRICS_PORT and the exporter's port are scraped.",
    ),
    ByDesign(
        "MON-AP5",
        "The round is a label of a metric",
        "Every round is a new series: the memory of the monitoring grows without bound.",
        "The appliance defines no metrics of its own; rounds are rows of metrics.json (fedstack/training/record.py).",
    ),
)
