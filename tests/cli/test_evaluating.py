"""`forecast-score` and `backtest`: what they print, and what they refuse in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bot.domain.backtesting.policies import NAMES
from tests.charts.kit import parsed
from tests.cli.terminal import stocktide

DAYS = 150
SHORT = ("--lead-time", "7", "--lead-time-sd", "2")


@pytest.fixture
def sales(home: Path) -> str:
    """Thirty products over 150 days, with days without a sale."""
    chance = np.random.default_rng(11)
    rows = ["StockCode,date,units sold"]
    for product in range(30):
        for day in np.arange("2024-01-01", DAYS, dtype="M8[D]"):
            units = int(chance.poisson(0.3 + 0.1 * product))
            if units:
                rows.append(f"P{product:02},{day},{units}")
    (home / "sales.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return "sales.csv"


def test_scores_are_pure_json_on_standard_output(sales: str) -> None:
    ran = stocktide("forecast-score", sales, "--quantiles", ".5,.9", "--map", "units=units sold", "--json")
    assert ran.code == 0, ran.err
    (score,) = json.loads(ran.out)["scores"]
    assert set(score) >= {"method", "rmsse", "pinball", "coverage", "bias", "series", "seconds"}
    assert (score["method"], score["series"]) == ("stocktide", 30)
    assert set(score["pinball"]) == set(score["coverage"]) == {"0.5", "0.9"}
    assert 0.5 < score["rmsse"] < 1.0
    assert "30 series of 150 days from 2024-01-01" in ran.err
    assert "Read as: sku=StockCode, day=date, units=units sold." in ran.err


def test_scores_line_up_for_a_person_and_end_in_what_to_do_next(sales: str) -> None:
    ran = stocktide("forecast-score", sales, "--freq", "week", "--horizon", "4", "--origins", "2")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].split() == [
        "method", "RMSSE", "pinball", "0.5", "pinball", "0.8", "pinball", "0.95", "pinball", "0.99", "bias",
    ]  # fmt: skip
    assert lines[1].startswith("stocktide")
    assert lines[-1].startswith(f"Next: stocktide backtest {sales}")


def written(home: Path, rows: list[str], head: str = "sku,day,units") -> str:
    (home / "rows.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return "rows.csv"


@pytest.mark.parametrize("more", [("--json",), ()])
def test_a_constant_series_has_bias_and_coverage_and_what_it_lacks_is_said(home: Path, more: tuple[str, ...]) -> None:
    file = written(home, [f"A,{day},3" for day in np.arange("2024-01-01", 100, dtype="M8[D]")])
    ran = stocktide("forecast-score", file, *more)
    assert ran.code == 0, ran.err
    assert "RMSSE and pinball loss are unknown, for no series has a scale: its past never changes" in ran.err
    if more:
        (score,) = json.loads(ran.out)["scores"]
        assert (score["rmsse"], score["pinball"]["0.8"], score["series"]) == (None, None, 0)
        assert abs(score["bias"]) < 0.05
        assert score["coverage"]["0.99"] == 1.0


@pytest.mark.parametrize("more", [("--json",), ()])
def test_a_file_in_which_nothing_can_be_scored_ends_with_the_code_2_and_the_reason(
    home: Path, more: tuple[str, ...]
) -> None:
    days = np.arange("2024-01-01", 100, dtype="M8[D]")
    file = written(home, [f"A,{day},{at % 3},0.5" for at, day in enumerate(days)], "sku,day,units,in_stock")
    ran = stocktide("forecast-score", file, *more)
    assert (ran.code, ran.out) == (2, "")
    assert "nothing can be scored: of no series that an origin knows was a period after it wholly in stock" in ran.err


def test_quantiles_have_the_shortest_exact_names_and_none_takes_anothers_place(sales: str) -> None:
    ran = stocktide("forecast-score", sales, "--quantiles", ".80,.9999999,.99999999", "--json")
    assert ran.code == 0, ran.err
    (score,) = json.loads(ran.out)["scores"]
    assert list(score["pinball"]) == list(score["coverage"]) == ["0.8", "0.9999999", "0.99999999"]


def test_columns_that_were_not_read_are_named(home: Path) -> None:
    days = np.arange("2024-01-01", 100, dtype="M8[D]")
    rows = [f"A,x,{day},{at % 3},{place}" for at, day in enumerate(days) for place in ("Rome", "Bonn")]
    ran = stocktide("forecast-score", written(home, rows, "sku,colour,day,units,城市"), "--json")
    assert ran.code == 0, ran.err
    assert "Not read: colour." in ran.err
    assert json.loads(ran.out)["scores"][0]["series"] == 2


def test_a_file_by_months_says_what_to_write(home: Path) -> None:
    months = [f"A,{year}-{month:02},{month % 4}" for year in (2020, 2021, 2022) for month in range(1, 13)]
    file = written(home, months, "sku,month,units")
    ran = stocktide("forecast-score", file, "--freq", "month", "--horizon", "3", "--json")
    assert ran.code == 0, ran.err
    assert "1 series of 36 months from 2020-01-01" in ran.err
    assert "did you mean --freq week or --freq month?" in stocktide("forecast-score", file, "--json").err


def test_a_backtest_is_pure_json_on_standard_output_and_the_same_for_a_seed(sales: str) -> None:
    asked = ("backtest", sales, *SHORT, "--service", ".9,.95", "--policies", "stocktide,tsb,flat30", "--json")
    ran = stocktide(*asked)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [(one["policy"], one["service"]) for one in found["frontier"]] == [
        (name, target) for target in (0.9, 0.95) for name in ("stocktide", "tsb", "flat30")
    ]
    ours = found["frontier"][0]
    assert set(ours) == {
        "policy", "service", "fill_rate", "days_of_inventory", "ratio_to_flat30", "low", "high",
    }  # fmt: skip
    assert ours["low"] < ours["ratio_to_flat30"] < ours["high"]
    assert found["clairvoyant"]["fill_rate"] == 1.0
    assert found["clairvoyant"]["days_of_inventory"] < ours["days_of_inventory"]
    assert set(found["runs"][0]) >= {
        "policy", "knob", "fill_rate", "cycle_service", "average_stock", "days_of_inventory", "turnover", "orders",
        "cost",
    }  # fmt: skip
    assert json.loads(stocktide(*asked).out) == found
    assert json.loads(stocktide(*asked, "--seed", "2").out) != found


def test_a_backtest_is_a_table_and_a_picture_for_a_person(sales: str, home: Path) -> None:
    ran = stocktide("backtest", sales, *SHORT, "--plot", "curves.png", "--service", ".9")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == (
        "30 series that sold before 2024-03-01, reviewed every 7 days from then on, measured from 2024-03-08."
    )
    assert [line.split()[0] for line in lines[3:8]] == list(NAMES[:5])  # IMAPA, the last, takes longer: it is asked for
    assert "A policy that knows every future sale, and how long each order takes, fills 100.0%" in ran.out
    assert lines[-1].startswith("Next: stocktide forecast-score")
    assert (home / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_policy_that_never_fills_so_much_is_named_and_its_figures_are_null(home: Path) -> None:
    late = "sku,day,units\nA,2024-01-01,1\nA,2024-05-20,50\nA,2024-05-29,1\n"
    (home / "late.csv").write_text(late, encoding="utf-8")
    ran = stocktide("backtest", "late.csv", *SHORT, "--service", ".9", "--policies", "sba,flat30", "--json")
    assert ran.code == 0, ran.err
    sba, flat = json.loads(ran.out)["frontier"]
    assert (sba["ratio_to_flat30"], flat["days_of_inventory"], flat["ratio_to_flat30"]) == (None, None, None)
    assert flat["fill_rate"] < 0.9
    assert sba["fill_rate"] == 0.9
    told = stocktide("backtest", "late.csv", *SHORT, "--service", ".9", "--policies", "sba,flat30")
    assert "flat30 does not reach 0.9 at any setting" in told.err


@pytest.mark.parametrize("asked", ["sba", "sba,stocktide"])
def test_the_reference_runs_unasked_and_nearness_to_the_bound_is_ours_where_we_ran(sales: str, asked: str) -> None:
    ran = stocktide("backtest", sales, *SHORT, "--service", ".9", "--policies", asked, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [one["policy"] for one in found["frontier"]] == [*asked.split(","), "flat30"]
    for one in found["frontier"]:
        assert one["low"] <= one["ratio_to_flat30"] <= one["high"]
    near = found["clairvoyant"]["times_the_bound"]
    ours = asked.rsplit(",", maxsplit=1)[-1]
    (days,) = [one["days_of_inventory"] for one in found["frontier"] if one["policy"] == ours]
    assert near == {"policy": ours, "at": {"0.9": pytest.approx(days / found["clairvoyant"]["days_of_inventory"])}}
    told = stocktide("backtest", sales, *SHORT, "--service", ".9", "--policies", asked)
    assert f"days of inventory. {ours} takes {near['at']['0.9']:.1f} times that at 90%." in told.out


def test_a_handful_of_series_has_no_interval(home: Path) -> None:
    chance = np.random.default_rng(3)
    days = np.arange("2024-01-01", DAYS, dtype="M8[D]")
    for series in (1, 9, 10):
        rows = [f"P{product},{day},{chance.poisson(2)}" for product in range(series) for day in days]
        ran = stocktide("backtest", written(home, rows), *SHORT, "--service", ".9", "--policies", "sba", "--json")
        sba = json.loads(ran.out)["frontier"][0]
        assert sba["ratio_to_flat30"] > 0
        assert [sba["low"] is None, sba["high"] is None] == [series < 10] * 2


def test_a_short_lead_time_varies_by_a_quarter_of_itself_unless_it_is_said(sales: str) -> None:
    asked = ("backtest", sales, "--lead-time", "4", "--service", ".9", "--policies", "sba", "--json")
    ran = stocktide(*asked)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == json.loads(stocktide(*asked, "--lead-time-sd", "1").out)
    assert json.loads(ran.out) != json.loads(stocktide(*asked, "--lead-time-sd", "0").out)


@pytest.mark.parametrize(("name", "starts"), [("curves.SVG", "<svg "), ("curves.PNG", "\ufffdPNG")])
def test_a_picture_is_what_its_name_says(sales: str, home: Path, name: str, starts: str) -> None:
    ran = stocktide("backtest", sales, *SHORT, "--plot", name, "--service", ".9", "--policies", "sba")
    assert ran.code == 0, ran.err
    written_down = (home / name).read_bytes().decode(errors="replace")
    assert written_down.startswith(starts)
    if name.endswith("SVG"):
        shapes = parsed(written_down)
        assert "sans-serif" in "".join(found.text or "" for found in shapes.iter("{http://www.w3.org/2000/svg}style"))
        assert [found for found in shapes.iter() if found.get("class") == "curve curve-0"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("forecast-score {} --quantiles 1.2", "--quantiles: '1.2' is no share between 0 and 1"),
        ("forecast-score {} --freq fortnight", "--freq: 'fortnight' is none of day, week, month"),
        ("forecast-score {} --methods tbs", "did you mean TSB?"),
        ("forecast-score {} --horizon 0", "--horizon: 0 cannot be"),
        ("forecast-score {} --map sku", "--map: 'sku' is not FIELD=HEADER"),
        ("forecast-score {} --map sku=nothing", "Not read. --map sku=nothing: no such header"),
        ("forecast-score {} --map sky=StockCode", "sky is no field of a long form"),
        ("forecast-score nowhere.csv", "Not read. nowhere.csv: there is no such file"),
        ("backtest {} --policies stocktide,flt30", "did you mean flat30?"),
        ("backtest {} --service 95", "--service: '95' is no share"),
        ("backtest {} --lead-time 0", "--lead-time: 0 cannot be (write 0.5 to 3652.5)"),
        ("backtest {} --lead-time 3 --lead-time-sd 7", "--lead-time-sd: 7 cannot be (write 0 to 6)"),
        ("backtest {} --plot curves.pdf", "--plot: curves.pdf ends in none of .png, .svg"),
        ("backtest {} --plot curves", "--plot: curves ends in none of .png, .svg"),
        ("backtest {} --lead-time nan", "--lead-time: nan cannot be"),
        ("backtest {} --lead-time-sd inf", "--lead-time-sd: inf cannot be"),
        ("backtest {} --plot nowhere/a.png", "there is no folder nowhere"),
        ("backtest {} --open-hours 25", "--open-hours: 25 is not within a day"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(sales: str, asked: str, said: str) -> None:
    ran = stocktide(*asked.format(sales).split())
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.lines) == 1
    assert said in ran.err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("forecast-score {} --horizon 40", "4 origins of 40 periods need a history of 200 periods, and there are 150"),
        ("backtest {} --lead-time 100", "150 periods are too few: with that lead time and review it takes"),
    ],
)
def test_a_history_that_is_too_short_is_refused_with_what_it_takes(sales: str, asked: str, said: str) -> None:
    ran = stocktide(*asked.format(sales).split())
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.lines[-1]
