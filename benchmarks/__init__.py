"""Speed, measured side by side in one run: `make bench`.

A family of rows is one module with `rows(bench) -> Iterator[Row]`, named in `__main__.FAMILIES`.
Nothing here is a test: a missed goal is printed, and fails nothing.
"""
