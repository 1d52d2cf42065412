"""One line for many VMs: `qmpsh -a TARGET... LINE`."""
