"""The plugin's entry point: the Pulumi engine starts this folder with its own address as the last argument."""

from opennebula_provider.server import main

if __name__ == "__main__":
    main()
