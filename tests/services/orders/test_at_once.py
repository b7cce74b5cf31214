"""Several people at once: every unit counts once, and every step is taken once."""

from __future__ import annotations

import asyncio
import random

from bot.errors import Refusal
from bot.services.orders import Report
from bot.storage import tables
from tests.services.orders.kit import Yard


async def test_four_who_receive_the_same_goods_count_them_once(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240, "MUG": 60})
    yard.pass_days(30)
    found = await asyncio.gather(*(yard.receive(number, name=name) for name in ("Maria", "Jonas", "Lin Wei", "Greta")))
    assert sorted(one.already for one in found) == [False, True, True, True]
    assert await yard.on_hand("LAMP") == 340
    assert await yard.incoming("LAMP") == 0
    assert len(await yard.shop.all(tables.Receipt)) == 2


async def test_four_who_report_the_same_step_take_it_once(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 50}, kind="transfer", from_location_id=yard.shop.places["DE"])
    people = [yard.asker(name) for name in ("Jonas", "Lin Wei", "Greta", "Ada")]
    found = await asyncio.gather(*(yard.orders.report(number, Report("shipped"), who, "slack") for who in people))
    assert sorted(one.already for one in found) == [False, True, True, True]
    assert await yard.on_hand("LAMP", "DE") == 450


async def test_a_file_and_a_person_at_once_lose_nothing(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    yard.pass_days(30)
    content = f"order,sku,quantity,received_at,id\nR-{number},LAMP,100,2011-12-10,DN-1\n"
    await asyncio.gather(yard.take("receipts", content), yard.receive(number, {"LAMP": 40}))
    assert (await yard.view(number)).lines[0].received == 140
    assert await yard.on_hand("LAMP") == 240
    assert await yard.incoming("LAMP") == 100


async def test_no_sequence_of_reports_makes_or_loses_units(lite: Yard) -> None:
    dice = random.Random(7)  # noqa: S311  # the same sequences every time
    for turn in range(5):
        before = await lite.on_hand("LAMP")
        number = await lite.ordered({"LAMP": 100})
        counted = 0
        for _step in range(8):
            lite.pass_days(1)
            try:
                match dice.randrange(5):
                    case 0:
                        await lite.report(number, "confirmed", reference=f"N-{turn}")
                    case 1:
                        await lite.report(number, "shipped")
                    case 2:
                        counted += sum((await lite.receive(number)).units.values())
                    case 3:
                        counted += sum((await lite.receive(number, {"LAMP": dice.randrange(1, 70)})).units.values())
                    case _ if dice.random() < 0.3:
                        await lite.report(number, "close")
            except Refusal:
                continue
            view = await lite.view(number)
            coming = await lite.incoming("LAMP")
            assert view.lines[0].received == counted
            assert await lite.on_hand("LAMP") == before + counted
            assert coming == (max(100 - counted, 0) if view.state == "executing" else 0)
        if (await lite.view(number)).state == "executing":
            await lite.report(number, "close")
        assert await lite.incoming("LAMP") == 0
    assert (await lite.shop.audit.verify()).broken_at is None
