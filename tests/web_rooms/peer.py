"""A person without a browser: real media over aiortc, by the same protocol as the page."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import uuid
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp

from tests.web_rooms.kit import SECONDS, Visitor

CHUNK = 65_536


class Peer:
    """Offers to whoever was in the room, answers whoever comes, and counts what arrives."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.id = 0
        self.links: dict[int, RTCPeerConnection] = {}
        self.controls: dict[int, RTCDataChannel] = {}
        self.offered_by: set[int] = set()  # who offered to us first
        self.frames: set[tuple[int, str]] = set()  # (peer, kind) of which a frame arrived
        self.files: dict[str, str] = {}  # the digest of each file that arrived whole, by name
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: dict[str, bytes] = {}
        self._names: dict[str, tuple[str, int]] = {}  # of files that are offered to us: name and size
        self._got = bytearray()
        self._whole = asyncio.Event()

    async def come(self, token: str) -> None:
        """Join, and offer to everyone who is there."""
        room = await self.visitor.come(token)
        self.id = room["you"]["id"]
        for person in room["peers"]:
            link = self._link(person["id"])
            link.addTrack(AudioStreamTrack())
            link.addTrack(VideoStreamTrack())
            await link.setLocalDescription(await link.createOffer())
            await self._describe(person["id"])
        self._start(self._listen())

    async def until(self, *wanted: tuple[int, str]) -> None:
        """Wait for frames of those (peer, kind)."""
        async with asyncio.timeout(SECONDS):
            while not self.frames >= set(wanted):
                self._changed.clear()
                await self._changed.wait()

    async def send_file(self, to: int, name: str, content: bytes) -> None:
        """Offer a file; it goes out once it is accepted."""
        control = self.controls[to]
        opened = asyncio.Event()
        control.on("open", opened.set)
        if control.readyState != "open":
            await asyncio.wait_for(opened.wait(), SECONDS)
        number = uuid.uuid4().hex
        self._sending[number] = content
        control.send(json.dumps({"t": "offer", "id": number, "name": name, "size": len(content)}))

    async def file(self, name: str) -> str:
        """The digest of a file that arrived."""
        async with asyncio.timeout(SECONDS):
            while name not in self.files:
                self._changed.clear()
                await self._changed.wait()
        return self.files[name]

    async def close(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self.links.values():
            await link.close()

    def _link(self, other: int) -> RTCPeerConnection:
        link = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        control = link.createDataChannel("control", negotiated=True, id=0)
        control.on("message", lambda data: self._control(other, json.loads(data)))
        link.on("track", lambda track: self._start(self._watch(other, track)))
        link.on("datachannel", self._receive)
        self.links[other], self.controls[other] = link, control
        return link

    async def _listen(self) -> None:
        while True:
            message = await self.visitor.until("signal")
            other = message["from"]
            if description := message.get("description"):
                await self._described(other, RTCSessionDescription(description["sdp"], description["type"]))
            elif line := message["candidate"]["candidate"]:
                candidate = candidate_from_sdp(line.removeprefix("candidate:"))
                candidate.sdpMid = message["candidate"]["sdpMid"]
                await self.links[other].addIceCandidate(candidate)

    async def _described(self, other: int, description: RTCSessionDescription) -> None:
        if description.type == "answer":
            await self.links[other].setRemoteDescription(description)
            return
        self.offered_by.add(other)
        link = self._link(other)
        await link.setRemoteDescription(description)
        link.addTrack(AudioStreamTrack())
        link.addTrack(VideoStreamTrack())
        await link.setLocalDescription(await link.createAnswer())
        await self._describe(other)

    async def _describe(self, other: int) -> None:
        said = self.links[other].localDescription
        await self.visitor.send("signal", to=other, description={"type": said.type, "sdp": said.sdp})

    async def _watch(self, other: int, track: MediaStreamTrack) -> None:
        for _turn in range(3):
            await track.recv()
        self._note(other, track.kind)

    def _note(self, other: int, kind: str) -> None:
        self.frames.add((other, kind))
        self._changed.set()

    def _control(self, other: int, said: dict[str, Any]) -> None:
        control = self.controls[other]
        if said["t"] == "offer":
            self._names[said["id"]] = (said["name"], said["size"])
            control.send(json.dumps({"t": "accept", "id": said["id"]}))
        elif said["t"] == "accept":
            self._start(self._push(other, said["id"]))
        elif said["t"] == "sha":
            self._start(self._check(other, said))

    async def _push(self, other: int, number: str) -> None:
        channel = self.links[other].createDataChannel(f"file:{number}")
        content = self._sending[number]
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await opened.wait()
        for at in range(0, len(content), CHUNK):
            channel.send(content[at : at + CHUNK])
        digest = hashlib.sha256(content).hexdigest()
        self.controls[other].send(json.dumps({"t": "sha", "id": number, "sha256": digest}))

    def _receive(self, channel: RTCDataChannel) -> None:
        self._got = bytearray()
        self._whole = asyncio.Event()
        _name, size = self._names[channel.label.removeprefix("file:")]

        def more(data: bytes) -> None:
            self._got += data
            if len(self._got) == size:
                self._whole.set()

        channel.on("message", more)

    async def _check(self, other: int, said: dict[str, Any]) -> None:
        await self._whole.wait()
        digest = hashlib.sha256(self._got).hexdigest()
        self.controls[other].send(json.dumps({"t": "check", "id": said["id"], "intact": digest == said["sha256"]}))
        self.files[self._names[said["id"]][0]] = digest
        self._changed.set()

    def _start(self, work: Any) -> None:
        async def quiet() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await work

        task = asyncio.get_running_loop().create_task(quiet())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
