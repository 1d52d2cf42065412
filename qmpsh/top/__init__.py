"""The table of all VMs: `qmpsh top`."""
