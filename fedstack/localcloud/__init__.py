"""An OpenNebula that fits in one process: XML-RPC, OneFlow and OneGate over one SQLite file, loopback only.

Layers, each knowing only the ones before it: `store` (tables, transactions), `core` (objects and their rules), `vm`
(machines), `flow` (services), then the three wire formats `rpc`, `flow.urls` and `gate`, and `cloud`, which puts them
together with a hypervisor. Outside of this package only `control` is needed.
"""
