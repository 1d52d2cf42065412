"""qmpsh: the shell for QMP, the control protocol of QEMU virtual machines."""

__version__ = "0.1.0"
