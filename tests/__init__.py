"""The tests; a package, so that helpers import as `tests.qemu`, `tests.waiting`."""
