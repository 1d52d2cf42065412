"""The type of everything that JSON can say."""

from __future__ import annotations

from typing import Union

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
JsonObject = dict[str, Json]
