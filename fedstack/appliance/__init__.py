"""What runs inside a VM: the boot of a SuperLink or a SuperNode, its supervisor, its health.

Plain Linux, one interpreter of its own; the image's environment only runs Flower. The same code boots a local VM
(`FEDSTACK_ROOT` is its root directory) and a real one (root is ``/``).
"""
