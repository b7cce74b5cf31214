"""Reads of a session description what we depend on: whether its author means to send media, and its sections."""

from __future__ import annotations

_SENDING = frozenset({"a=sendrecv", "a=sendonly"})
_SILENT = frozenset({"a=recvonly", "a=inactive"})


def sends_media(sdp: str) -> bool:
    """Whether a description would send audio or video; one that browsers might read otherwise than we counts as so."""
    lines = sdp.replace("\r\n", "\n").split("\n")
    if any("\r" in line or "\0" in line for line in lines):
        return True
    above: set[str] = set()  # the session's own direction, for sections that name none
    sections: list[tuple[str, set[str]]] = []
    for line in lines:
        loose = line.strip().lower()
        if loose.startswith("m="):
            sections.append((loose[2:].split(" ")[0], set()))
        elif line in _SILENT or loose in _SENDING:  # a browser passes over a silent word that is not exact
            (sections[-1][1] if sections else above).add(loose)
    return any(kind != "application" and not _silent(said or above) for kind, said in sections)


def mids(sdp: str) -> list[str]:
    """The names of a description's sections, in their order."""
    lines = sdp.replace("\r\n", "\n").split("\n")
    return [line.removeprefix("a=mid:").strip() for line in lines if line.startswith("a=mid:")]


def _silent(directions: set[str]) -> bool:
    """Whether every direction named is one without sending; none named means sending both ways (RFC 8866, 6.7)."""
    return bool(directions) and directions <= _SILENT
