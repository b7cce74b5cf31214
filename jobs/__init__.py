"""Scheduled work, one job per file; what is due is decided by rows of the database.

A new job is a new file and one entry of JOBS. Jobs due at the same time run in this order: what the watch finds is in
the digests of the same minute.
"""

from __future__ import annotations

from bot.services.jobs import Job
from jobs import cleanup, digest, expire, files, head, promotions, rates, rooms, route, scorecard, stores, watch

JOBS: tuple[Job, ...] = (
    rates.JOB, stores.JOB, files.JOB, watch.JOB, promotions.JOB, expire.JOB, route.JOB, digest.JOB, rooms.JOB,
    cleanup.JOB, head.JOB, scorecard.JOB,
)  # fmt: skip
