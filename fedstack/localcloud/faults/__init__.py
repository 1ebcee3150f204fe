"""Scripted faults: what shall go wrong, with which VMs, how often; in the store, so that a restart forgets none."""
