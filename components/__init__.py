"""The Pulumi components: typed settings in, resources out. One component, one file."""
