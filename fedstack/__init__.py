"""Everything of fedstack that runs outside of Pulumi: the leaves, the rules, the local cloud, the appliances, the CLI."""
