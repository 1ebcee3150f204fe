"""OneFlow: service templates, services and their life cycle (reference 4 to 6)."""
