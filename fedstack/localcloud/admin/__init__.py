"""What the person who started a cloud can ask of it beyond OpenNebula's interfaces: faults, events, an overview."""
