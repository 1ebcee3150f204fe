"""XML-RPC on /RPC2: one module a group of calls, each a table of method name to `Method`."""
