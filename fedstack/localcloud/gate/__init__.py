"""OneGate: what guests read and report (reference 7)."""
