"""Objects of the cloud and the rules that all of them share. No wire formats, no event loop."""
