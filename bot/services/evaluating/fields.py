"""The fields of a file in long form, one row per product, place and day or per invoice line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.errors import Fault, FileRefused
from bot.services.ingest.columns import FIELDS, Field, matched, plain, refuse_lacking

_SALES = {field.name: field for field in FIELDS["sales"]}
_ROUTES = {field.name: field for field in FIELDS["routes"]}
_PRODUCTS = {field.name: field for field in FIELDS["products"]}


def _of(name: str, like: Field | None, more: str, *, required: bool = False) -> Field:
    """A field under its name here, with the headers that an import knows it by and some of its own."""
    known = like.headers if like else ()
    return Field(name, tuple(dict.fromkeys([name.replace("_", ""), *known, *more.split()])), required)


_PLACES = (
    "storeid storecode storename storenbr shopid shopname warehouseid warehousename wh whs depot dc branch outlet "
    "regionid regionname city cityid cityname loc locid locationid place province state district area territory "
    "countryregion 地区 区域 大区 城市 省份 省 地点 地方 分店 分仓 仓 仓储 门店编号 门店名称 店铺名称 店铺编号 店名"
)

LONG: tuple[Field, ...] = (
    _of("sku", _SALES["sku"], "productid itemid seriesid uniqueid item product part 商品 产品", required=True),
    _of("location", _SALES["market"], _PLACES),
    _of("day", _SALES["sold_at"], "dt ds week month period soldon 周 月 月份", required=True),
    _of("units", _SALES["quantity"], "sale sales sold unitssold demand y volume 销售 需求 销售量", required=True),
    _of("in_stock", None, "instock availability availableshare stockshare 在库 有货 在库率"),
    _of("stockout_hours", None, "hoursoutofstock outofstockhours 缺货小时 缺货时长"),
    _of("price", _SALES["unit_price"], "sellprice"),
    _of("cost", _PRODUCTS["unit_cost"], ""),
    _of("category", _PRODUCTS["category"], ""),
    _of("pack_size", _ROUTES["pack_size"], ""),
    _of("minimum_order", _ROUTES["minimum_order"], ""),
    _of("order_ref", _SALES["order_ref"], ""),
    _of("customer", _SALES["customer"], ""),
)
REQUIRED = ("sku", "day", "units")


def mapped(headers: Sequence[str], wishes: Mapping[str, str], where: str) -> dict[str, int]:
    """Field -> place of its column; FileRefused where a required one has none, or one that was named is not there."""
    found = matched(LONG, "a long form", headers, wishes, where)
    refuse_lacking([name for name in REQUIRED if name not in found], headers, where)
    if "location" in found and "location" not in wishes:
        _refuse_places(headers, found, where)
    return found


def _refuse_places(headers: Sequence[str], found: Mapping[str, int], where: str) -> None:
    """FileRefused where another column could be the place too, unless one is called so: series would be added up."""
    shapes = [plain(header) for header in headers]
    (known,) = (field.headers for field in LONG if field.name == "location")
    taken = [place for name, place in found.items() if name != "location"]
    places = [at for at, shape in enumerate(shapes) if shape in known and at not in taken]
    if len(places) > 1 and shapes[found["location"]] != "location":
        choices = " or ".join(f"--map location={headers[place]!r}" for place in places)
        raise FileRefused(Fault(where, "several columns could be location", f"write {choices}"), "several")
