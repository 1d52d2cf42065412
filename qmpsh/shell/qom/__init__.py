"""QOM, QEMU's object model, as a file system: the working path, what is listed, read and set."""
