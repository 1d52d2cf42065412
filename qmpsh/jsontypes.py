"""The type of everything that JSON can say, and the bounds of its integers in QMP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
    JsonObject = dict[str, Json]
else:
    # Building the union that refers to itself costs a one-shot 1.4 ms; nobody looks at it.
    Json = object
    JsonObject = dict

INT_MIN, INT_MAX = -(2**63), 2**64 - 1
"""What QAPI's integers can hold, signed and unsigned taken together."""
