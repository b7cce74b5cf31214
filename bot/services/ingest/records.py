"""Files of everything but sales: one class per kind, each turning checked rows into inserts or changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import list_currencies
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.language import nearest_language
from bot.services.ingest import values
from bot.services.ingest.contracts import ImportOptions, Kind, TableBatch
from bot.services.ingest.places import Places
from bot.services.ingest.rejects import Rejects
from bot.services.ingest.settings import IngestSettings
from bot.services.ingest.values import Bad
from bot.storage import facts, masters
from bot.storage.bulk import insert_rows
from bot.storage.tables import Base
from bot.storage.types import to_micros
