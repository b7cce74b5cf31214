"""Which descriptions send media, in particular those written to look as if they did not."""

from __future__ import annotations

import pytest

from bot.web.rooms.sdp import mids, sends_media

HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"


@pytest.mark.parametrize(
    "sdp",
    [
        HEAD + DATA,
        HEAD + AUDIO + "a=recvonly\r\n" + VIDEO + "a=inactive\r\n" + DATA,
        HEAD + "a=recvonly\r\n" + AUDIO + VIDEO,
        (HEAD + AUDIO + "a=recvonly\r\n").replace("\r\n", "\n"),
    ],
)
def test_a_description_that_only_receives_is_let_through(sdp: str) -> None:
    assert not sends_media(sdp)


@pytest.mark.parametrize(
    "sdp",
    [
        HEAD + AUDIO + "a=sendrecv\r\n",
        HEAD + VIDEO + "a=sendonly\r\n",
        HEAD + AUDIO,  # no direction means both
        HEAD + AUDIO + "a=recvonly\r\n" + VIDEO,
        HEAD + "a=recvonly\r\n" + AUDIO + "a=sendrecv\r\n",
        HEAD + AUDIO + "a=recvonly\r\na=sendrecv\r\n",
        HEAD + AUDIO + "a=recvonly \r\n",  # a browser passes over the line, so both
        HEAD + AUDIO + " a=recvonly\r\n",
        HEAD + AUDIO + "a=RECVONLY\r\n",
        HEAD + "M=Audio 9 UDP/TLS/RTP/SAVPF 111\r\na=SendRecv\r\n",
        HEAD + AUDIO + "x=1\ra=sendrecv\r\na=recvonly\r\n",
        HEAD + AUDIO + "a=recvonly\r\n\0",
        HEAD + "m=text 9 UDP/TLS/RTP/SAVPF 98\r\n",
    ],
)
def test_a_description_that_may_send_is_recognised(sdp: str) -> None:
    assert sends_media(sdp)


def test_sections_are_named_in_their_order() -> None:
    sdp = "v=0\r\na=group:BUNDLE a b\r\nm=audio 9 x 1\r\na=mid:a\r\nm=video 9 x 2\r\na=mid:b\r\n"
    assert mids(sdp) == ["a", "b"]
    assert mids("v=0\n") == []
