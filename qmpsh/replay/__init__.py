"""A recording of a monitor, played as if QEMU were there: `qmpsh replay`."""
