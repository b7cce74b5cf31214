"""The real Janus of this machine, on loopback and with a configuration of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path

import pytest

PROGRAM = "janus"
ADMIN_KEY = "admin-key-canary-5f0c"
SECONDS = 15.0  # that it may take to start or to stop
_OTHERS = {
    "transports": "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so",
    "plugins": ",".join(
        f"libjanus_{name}.so"
        for name in (
            "audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom",
            "videocall", "voicemail",
        )
    ),
}  # fmt: skip


def needed() -> str:
    """Where the program is; without one the test is skipped."""
    found = shutil.which(PROGRAM)
    if found is None:
        pytest.skip("no Janus on this machine (Debian: apt-get install janus)")
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Janus:
    """Starts and stops Janus; it keeps its port, so that it can come back."""

    def __init__(self, folder: Path) -> None:
        self._program = needed()
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/janus"
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listens = asyncio.Event()
        self._said: list[str] = []
        self._configure()

    async def start(self) -> None:
        """Run it, until its HTTP API listens."""
        self._process = await asyncio.create_subprocess_exec(
            self._program, "--disable-colors", "--configs-folder", str(self._folder),
            stdout=PIPE, stderr=STDOUT, stdin=DEVNULL,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))
        async with asyncio.timeout(SECONDS):
            await self._listens.wait()
        assert self._process.returncode is None, self.said()

    async def stop(self) -> None:
        """End it at once, as a crash would."""
        if self._process and self._reading:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            async with asyncio.timeout(SECONDS):
                await self._process.wait()
                await self._reading
            self._process = self._reading = None

    def said(self) -> str:
        """What it said, secrets and all."""
        return "".join(self._said)

    async def _read(self, process: Process) -> None:
        """Empty its output, or it would stand still."""
        assert process.stdout
        self._listens.clear()
        async for line in process.stdout:
            self._said.append(line.decode(errors="replace"))
            if b"HTTP webserver started" in line:
                self._listens.set()
        self._listens.set()  # it ended: whoever waits looks

    def _configure(self) -> None:
        pieces = {
            "janus.jcfg": (
                'general: { debug_level = 4, server_name = "test" }\n'
                'nat: { ice_ignore_list = "vmnet" }\nmedia: { ipv6 = false }\n'
                f'transports: {{ disable = "{_OTHERS["transports"]}" }}\n'
                f'plugins: {{ disable = "{_OTHERS["plugins"]}" }}\n'
            ),
            "janus.transport.http.jcfg": (
                'general: { json = "compact", base_path = "/janus", http = true, '
                f'port = {self.port}, ip = "127.0.0.1", https = false }}\n'
                "admin: { admin_http = false, admin_https = false }\n"
            ),
            "janus.plugin.videoroom.jcfg": f'general: {{ admin_key = "{ADMIN_KEY}" }}\n',
        }
        for name, content in pieces.items():
            (self._folder / name).write_text(content)
