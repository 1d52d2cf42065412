"""The type of everything that JSON can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
    JsonObject = dict[str, Json]
else:
    # Building the union that refers to itself costs a one-shot 1.4 ms; nobody looks at it.
    Json = object
    JsonObject = dict
