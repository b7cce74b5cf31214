"""Stores and ERPs, one API or family of file formats per module. A new API is a new module and one entry of STORES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.ports import StoreConnector
from bot.settings import StorePart
from bot.stores.local import connect_local

STORES: Mapping[str, Callable[[str, StorePart], StoreConnector]] = MappingProxyType({"local": connect_local})
