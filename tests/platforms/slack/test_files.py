"""Files that people upload to Slack: told of, fetched with the bot's token and nobody else's, and shared back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat.incoming import SharedFile
from bot.chat.nodes import Attachment, Message, Paragraph
from bot.errors import FileRefused, MessageGone, TokenRefused
from bot.platforms.slack.events import of_event
from bot.platforms.slack.files import SlackFiles
from bot.ports import Target
from bot.words import _
from tests.platforms.slack.office import Office

CONTENT = "sku,库存\nA1,5\n".encode("gb18030")


async def test_a_file_in_a_direct_message_comes_with_what_is_written_beside_it(office: Office, tmp_path: Path) -> None:
    office.slack.share(office.mei.id, office.slack.world.direct(office.mei.id).id, "库存.csv", CONTENT, "import stock")
    taken = await office.taken_next()
    assert (taken.kind, taken.text, taken.person, taken.conversation_kind) == (
        "files", "import stock", office.mei.id, "direct",
    )  # fmt: skip
    (file,) = taken.files
    assert (file.name, file.size) == ("库存.csv", len(CONTENT))
    await office.platform.fetch(file, office.mei.id, tmp_path / "got", 1_000)
    assert (tmp_path / "got").read_bytes() == CONTENT


async def test_in_a_channel_only_a_file_that_mentions_us_is_ours(office: Office) -> None:
    office.slack.share(office.mei.id, office.room.id, "a.csv", CONTENT, "for Jonas")
    office.slack.share(office.mei.id, office.room.id, "b.csv", CONTENT, f"<@{office.slack.bot.id}> import stock")
    taken = await office.taken_next()
    assert ([file.name for file in taken.files], taken.text, taken.kind) == (["b.csv"], "import stock", "files")


async def test_anothers_file_a_large_one_and_one_that_is_gone_are_not_fetched(office: Office, tmp_path: Path) -> None:
    office.slack.share(office.mei.id, office.slack.world.direct(office.mei.id).id, "stock.csv", CONTENT)
    (file,) = (await office.taken_next()).files
    with pytest.raises(MessageGone):
        await office.platform.fetch(file, office.jonas.id, tmp_path / "got", 1_000)
    with pytest.raises(FileRefused) as refused:
        await office.platform.fetch(file, office.mei.id, tmp_path / "got", 5)
    assert refused.value.trouble == "large"
    with pytest.raises(MessageGone):
        await office.platform.fetch(replace(file, id="F404"), office.mei.id, tmp_path / "got", 1_000)
    assert not (tmp_path / "got").exists()


async def test_a_redirect_to_another_host_is_not_followed_and_names_the_scope(office: Office, tmp_path: Path) -> None:
    world = office.slack.world
    office.slack.share(office.mei.id, world.direct(office.mei.id).id, "stock.csv", CONTENT)
    (file,) = (await office.taken_next()).files
    office.platform._files._token = "xoxb-old"
    with pytest.raises(TokenRefused, match="files:read"):
        await office.platform.fetch(file, office.mei.id, tmp_path / "got", 1_000)


async def test_the_token_goes_to_slack_alone(office: Office, tmp_path: Path) -> None:
    world = office.slack.world
    office.slack.share(office.mei.id, world.direct(office.mei.id).id, "stock.csv", CONTENT)
    (file,) = (await office.taken_next()).files
    for elsewhere in (
        "https://slack.com.evil.example/",
        "http://files.slack.com/",
        "https://evilslack.com/",
        "file://",
    ):
        world.files_url = elsewhere
        with pytest.raises(MessageGone):
            await office.platform.fetch(file, office.mei.id, tmp_path / "got", 1_000)
    assert office.sandbox.record.calls("slack", "url_private") == []


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a.csv", True),
        ("https://slack.com/files/a.csv", True),
        ("http://files.slack.com/a.csv", False),
        ("http://slack.com/a.csv", False),
        ("https://slack.com@evil.example/a.csv", False),
        ("https://files.slack.com.evil.example/a.csv", False),
        ("", False),
    ],
)
def test_an_address_is_slacks_own_or_gets_no_token(office: Office, url: str, own: object) -> None:
    files = SlackFiles(office.platform._web, "xoxb-1", "https://slack.com/api/")
    assert files._slacks_own(url) == own


async def test_a_file_goes_back_as_a_message_of_its_own(office: Office) -> None:
    words = _("{count} rows were set aside", count=3)
    message = Message(words, (Paragraph(words),), file=Attachment("stock.rejects.csv", b"line,field\n"))
    ref = await office.platform.post(Target(office.room.id, "group"), message, office.reader)
    (shown,) = office.slack.visible(office.jonas.id, office.room.id)
    assert shown.text == "3 rows were set aside"
    assert [office.slack.world.files[key].content for key in shown.files] == [b"line,field\n"]
    assert ref.message_id == shown.files[0]


def test_files_that_slack_does_not_hold_or_another_uploaded_are_left_out() -> None:
    files = [
        {"id": "F1", "name": "a.csv", "user": "U1", "mode": "external"},
        {"id": "F2", "name": "b.csv", "user": "U2", "mode": "hosted"},
        {"id": "F3", "mode": "tombstone"},
        {"id": "F4", "file_access": "check_file_info"},
        {"id": "F5", "name": "c.csv", "user": "U1", "mode": "snippet", "size": 7},
    ]
    event = {"type": "message", "subtype": "file_share", "channel": "D1", "user": "U1", "ts": "1.1", "files": files}
    incoming = of_event({"event_id": "E1", "event": event}, "B1")
    assert incoming is not None
    assert incoming.files == (SharedFile("F4", "", 0), SharedFile("F5", "c.csv", 7))
    assert type(incoming).from_json(incoming.to_json()) == incoming
