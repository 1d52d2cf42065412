"""What this host shows of processes, sockets and QEMU command lines."""
