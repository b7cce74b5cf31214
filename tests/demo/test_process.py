"""`stocktide demo` as a process: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE

import httpx
import pytest

SECONDS = 60  # on a busy machine; .ci/run walks the tour over the whole sample


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("browser")
async def test_the_demo_says_its_phases_and_its_address_serves_it_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--small", "--port", "0", stdout=PIPE, stderr=PIPE
    )
    try:
        assert process.stdout
        assert process.stderr
        async with asyncio.timeout(SECONDS):
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/", (await process.stdout.readline()).decode())):
                assert not process.stdout.at_eof(), (await process.stderr.read()).decode()
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(found.group())
        assert "Stocktide" in answer.text
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            _out, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    lines = told.decode().splitlines()
    assert "reconstructed" in " ".join(lines)
    phases = [line for line in lines if line.startswith("  ")]
    for name in ("sandbox", "sample", "bot", "watch"):
        assert [line for line in phases if re.match(rf"  {name} .*\d\.\d s", line)], (name, lines)
    [first] = [line for line in lines if line.startswith("First alert after")]
    assert all(f"{name} " in first for name in ("sandbox", "sample", "bot", "watch", "first alert"))
    assert "Traceback" not in told.decode()


@pytest.mark.xdist_group("browser")
async def test_the_demo_ends_on_sigterm_while_it_is_being_set_up() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", "0", stdout=PIPE, stderr=PIPE
    )
    try:
        assert process.stderr
        told = ""
        async with asyncio.timeout(60):
            while "  sandbox" not in told:
                told += (await process.stderr.readline()).decode()
                assert not process.stderr.at_eof(), told
            process.send_signal(signal.SIGTERM)
            out, rest = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"Open" not in out
    assert b"Traceback" not in rest
