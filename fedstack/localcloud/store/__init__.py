"""The state on disk: tables and transactions. Knows nothing of HTTP, hypervisors or clocks."""
