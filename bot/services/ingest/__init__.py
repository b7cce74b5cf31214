"""Facts in: files of sales, stock and the rest, taken exactly once."""

from bot.services.ingest.columns import KINDS
from bot.services.ingest.contracts import ImportOptions, ImportReport, Kind, Preview, Progress
from bot.services.ingest.service import Ingest
from bot.services.ingest.settings import IngestSettings

__all__ = ["KINDS", "ImportOptions", "ImportReport", "Ingest", "IngestSettings", "Kind", "Preview", "Progress"]
