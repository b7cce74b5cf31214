"""Mail against a real server: what each outcome means for the money."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Declined, Unanswered, Unreached
from bot.suppliers.document import documents
from bot.suppliers.mail import MailOptions, message_id
from tests.suppliers.kit import PostOffice, an_order, mail_channel, mail_server

KEY = "order:R-12:v3:mail"


@pytest.fixture
def office() -> PostOffice:
    """A server's behaviour."""
    return PostOffice()


@pytest.fixture
async def port(office: PostOffice) -> AsyncIterator[int]:
    """The server's port."""
    async with mail_server(office) as found:
        yield found


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(  # noqa: S603  # our own arguments
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out",
            str(path.with_suffix(".crt")),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


def contexts(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    return server, ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))


async def test_the_order_arrives_with_both_documents(office: PostOffice, port: int) -> None:
    receipt = await mail_channel(port, copy_to="file@acme.example").send(an_order(), KEY)
    [message] = office.taken
    assert message["Subject"] == "Purchase order R-12 · Acme Trading Ltd"
    assert message["From"] == "Acme Trading Ltd <orders@acme.example>"
    assert message["To"] == "orders@yiwu.example"
    assert message["Cc"] == "file@acme.example"
    assert message["Message-ID"] == message_id(KEY, "orders@acme.example") == receipt["message_id"]
    assert message["Date"] == "Mon, 21 Nov 2011 09:00:00 +0000"
    body = message.get_body()
    assert body is not None
    assert "order R-12, version 3" in body.get_content()
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert attached == {document.name: document.content for document in documents(an_order())}
    assert receipt["to"] == ["orders@yiwu.example", "file@acme.example"]
    assert receipt["refused"] == []


async def test_the_same_key_gives_the_same_message_id(office: PostOffice, port: int) -> None:
    channel = mail_channel(port)
    for key in (KEY, KEY, "another"):
        await channel.send(an_order(), key)
    first, second, third = (message["Message-ID"] for message in office.taken)
    assert first == second != third


async def test_a_letter_speaks_the_suppliers_language(office: PostOffice, port: int) -> None:
    await mail_channel(port).send(an_order(language="zh_CN", supplier="义乌亮灯"), KEY)
    body = office.taken[0].get_body()
    assert body is not None
    assert "义乌亮灯" in body.get_content()
    assert "2011年12月30日" in body.get_content()


async def test_names_cannot_add_headers(office: PostOffice, port: int) -> None:
    hostile = "Acme\r\nBcc: all@evil.example"
    await mail_channel(port).send(an_order(buyer=hostile, supplier=hostile), KEY)
    [message] = office.taken
    assert message["Bcc"] is None
    assert office.envelopes[0].rcpt_tos == ["orders@yiwu.example"]


async def test_nobody_listening_is_unreached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreached):
        await mail_channel(port).send(an_order(), KEY)


async def test_a_server_that_never_greets_is_unreached() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreached):
            await mail_channel(silent.getsockname()[1], timeout=0.2).send(an_order(), KEY)


async def test_a_connection_that_breaks_before_the_message_is_unreached(office: PostOffice, port: int) -> None:
    office.break_before = True
    with pytest.raises(Unreached):
        await mail_channel(port).send(an_order(), KEY)
    assert office.taken == []


@pytest.mark.parametrize(("answer", "verdict"), [("451 busy", Unreached), ("550 no such user", Declined)])
async def test_a_refused_recipient_means_later_or_never(
    office: PostOffice, port: int, answer: str, verdict: type[Exception]
) -> None:
    office.refuse["orders@yiwu.example"] = answer
    with pytest.raises(verdict, match=answer[:3]):
        await mail_channel(port, copy_to="file@acme.example").send(an_order(), KEY)
    assert office.taken == []  # a copy to ourselves alone is no order


@pytest.mark.parametrize(("answer", "verdict"), [("452 full", Unreached), ("553 not you", Declined)])
async def test_a_refused_sender_means_later_or_never(
    office: PostOffice, port: int, answer: str, verdict: type[Exception]
) -> None:
    office.refuse_sender = answer
    with pytest.raises(verdict):
        await mail_channel(port).send(an_order(), KEY)


@pytest.mark.parametrize(("answer", "verdict"), [("451 try later", Unreached), ("554 spam", Declined)])
async def test_a_refused_message_means_later_or_never(
    office: PostOffice, port: int, answer: str, verdict: type[Exception]
) -> None:
    office.answer = answer
    with pytest.raises(verdict, match=answer[:3]):
        await mail_channel(port).send(an_order(), KEY)


async def test_one_refused_of_several_is_said_in_the_receipt(office: PostOffice, port: int) -> None:
    office.refuse["b@yiwu.example"] = "550 unknown"
    receipt = await mail_channel(port).send(an_order(email="a@yiwu.example; b@yiwu.example"), KEY)
    assert receipt["to"] == ["a@yiwu.example"]
    assert receipt["refused"] == ["b@yiwu.example"]
    assert len(office.taken) == 1


async def test_of_several_refused_one_that_says_later_leaves_hope(office: PostOffice, port: int) -> None:
    office.refuse = {"a@yiwu.example": "550 unknown", "b@yiwu.example": "450 greylisted"}
    with pytest.raises(Unreached):
        await mail_channel(port).send(an_order(email="a@yiwu.example, b@yiwu.example"), KEY)


async def test_a_connection_lost_after_the_message_leaves_it_open(office: PostOffice, port: int) -> None:
    office.break_off = True
    with pytest.raises(Unanswered):
        await mail_channel(port).send(an_order(), KEY)
    assert len(office.taken) == 1


async def test_no_answer_to_the_message_leaves_it_open(office: PostOffice, port: int) -> None:
    office.silent = True
    with pytest.raises(Unanswered):
        await mail_channel(port, timeout=0.3).send(an_order(), KEY)
    assert len(office.taken) == 1


async def test_what_is_no_address_is_declined(port: int) -> None:
    for address in ("", "yiwu", "a b@yiwu.example", "义乌@yiwu.example", "x@y.example\r\nDATA"):
        with pytest.raises(Declined):
            await mail_channel(port).send(an_order(email=address), KEY)


async def test_starttls_hides_the_message_and_the_password(office: PostOffice, certificate: Path) -> None:
    server, client = contexts(certificate)
    async with mail_server(office, server, require_starttls=True) as port:
        channel = mail_channel(port, security="starttls", context=client, username="acme", password="right")
        await channel.send(an_order(), KEY)
    assert office.secure == [True]
    assert office.logins == [("acme", "right")]


async def test_a_certificate_that_is_not_trusted_sends_nothing(office: PostOffice, certificate: Path) -> None:
    server, _client = contexts(certificate)
    async with mail_server(office, server) as port:
        with pytest.raises(Unreached):
            await mail_channel(port, security="starttls", username="acme", password="right").send(an_order(), KEY)
    assert office.logins == []
    assert office.taken == []


async def test_a_server_without_starttls_gets_no_password(office: PostOffice, port: int) -> None:
    with pytest.raises(Unreached):
        await mail_channel(port, security="starttls", username="acme", password="right").send(an_order(), KEY)
    assert office.logins == []


async def test_a_wrong_password_is_ours_to_mend(office: PostOffice, port: int) -> None:
    channel = mail_channel(port, username="acme", password="wrong-password")
    with pytest.raises(Unreached) as caught:
        await channel.send(an_order(), KEY)
    assert "wrong-password" not in str(caught.value)
    [check] = await channel.check()
    assert check.verdict == "fail"
    assert "wrong-password" not in repr(check)
    assert office.taken == []


def test_options_do_not_show_the_password() -> None:
    assert "hush" not in repr(MailOptions("host", 25, "a@b.example", password="hush"))
