"""What an operator does with a stack from the command line: settings, status, scaling, a check of the machine."""
