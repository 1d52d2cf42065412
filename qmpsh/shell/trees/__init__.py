"""Trees of the machine: what is asked, the nodes in the answers, and the order of their lines."""
