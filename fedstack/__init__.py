"""Everything of fedstack that runs outside of Pulumi: leaves, rules, local cloud, appliances, command line."""
