"""Which column of a file holds which field: header names in English and Chinese, and the person's own mapping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.errors import Fault, FileRefused
from bot.services.ingest.contracts import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind of file, whether it must be there, and the headers that mean it (as `plain` leaves them)."""

    name: str
    headers: tuple[str, ...]
    required: bool = False


def plain(header: str) -> str:
    """A header without case, width, spaces, signs and a unit in brackets: `Qty. (pcs)` and `QTY` are one."""
    text = unicodedata.normalize("NFKC", header).casefold()
    text = re.sub(r"[(\[【].*?[)\]】]", "", text) or text
    return re.sub(r"[\W_]+", "", text)


def _field(name: str, headers: str, *, required: bool = False) -> Field:
    own = name.replace("_", "")
    return Field(name, tuple(dict.fromkeys([own, *headers.split()])), required)


_SKU = (
    "sku stockcode skucode skuid sellersku merchantsku variantsku lineitemsku itemsku productsku "
    "productcode itemcode "
    "itemno itemnumber articlenumber articleno partnumber materialcode code 商品编码 商品编号 商品代码 "
    "货号 产品编码 产品编号 "
    "物料编码 物料代码 存货编码 编码 商家编码 规格编码 sku编码 sku编号 卖家sku 平台sku 库存sku"
)
_PRICE = (
    "unitprice price lineitemprice sellingprice salesprice priceeach variantprice retailprice 单价 售价 "
    "销售单价 "
    "销售价 价格 成交价 零售价 商品单价"
)
_NAME = (
    "name description productname itemname title lineitemname producttitle itemdescription 名称 商品名称 "
    "品名 产品名称 物料名称 "
    "存货名称 商品标题 标题 描述"
)
_CURRENCY = "currency currencycode ccy 币种 货币 币别 结算币种"
_LOCATION = (
    "location locationcode locationname warehouse warehousecode site store fulfillmentcenter "
    "fulfillmentcenterid fc 仓库 "
    "仓库编码 仓库名称 仓库代码 库位 门店 店铺 发货仓 目的仓 收货仓"
)
_COST = "unitcost cost costprice purchaseprice costperitem landedcost 成本 成本价 采购价 采购单价 进价 单位成本"
_COUNTRY = "country countrycode 国家 国家地区 所在国家 国别"
_ORDER = (
    "request requestid requestno ordernumber orderno orderid ponumber pono po purchaseorder orderreference 订单 订单号 "
    "订单编号 采购单号 采购订单号 调拨单号 申请号 单号"
)
_LANGUAGE = "language lang locale 语言"
_QUANTITY = (
    "quantity qty quantitypurchased quantityordered lineitemquantity units unitsordered quantityshipped "
    "amountordered 数量 "
    "销售数量 购买数量 商品数量 件数 销量 下单数量 出库数量"
)

FIELDS: Mapping[Kind, tuple[Field, ...]] = {
    "sales": (
        _field("sku", _SKU, required=True),
        _field("quantity", _QUANTITY, required=True),
        _field(
            "sold_at",
            "invoicedate orderdate purchasedate createdat date datetime saledate saletime ordertime "
            "paidat orderedat "
            "transactiondate timestamp 下单时间 订单时间 销售时间 付款时间 日期 时间 订购时间 下单日期 "
            "销售日期 购买日期 创建时间 单据日期",
            required=True,
        ),
        _field("unit_price", _PRICE),
        _field(
            "order_ref",
            "invoiceno invoice invoicenumber orderid orderno ordernumber amazonorderid order ordername "
            "receiptno "
            "salesorder 订单号 订单编号 单号 发票号 销售单号 平台订单号 交易号 单据编号",
        ),
        _field(
            "customer",
            "customerid customerno buyerid buyer buyeremail customeremail customername email client 客户 "
            "客户编号 买家 "
            "买家账号 买家id 客户编码 会员号 客户名称 买家昵称",
        ),
        _field(
            "market",
            "country marketplace saleschannel shipcountry shippingcountry billingcountry region channel "
            "market shop "
            f"国家 站点 市场 收货国家 国家地区 销售渠道 平台站点 {_LOCATION}",
        ),
        _field("currency", _CURRENCY),
        _field("name", _NAME),
        _field(
            "external_id",
            "lineid orderitemid amazonorderitemid orderlineid lineitemid 明细id 订单明细id 子订单号 子订单编号",
        ),
    ),
    "stock": (
        _field("sku", _SKU, required=True),
        _field("location", _LOCATION + " country 国家 站点"),
        _field(
            "on_hand",
            "onhand quantity qty stock stockonhand quantityonhand qtyonhand inventory available "
            "afnfulfillablequantity "
            "inventoryquantity variantinventoryqty currentstock balance 库存 库存数量 现有库存 在库数量 "
            "数量 实际库存 现存量 可用库存 结存数量",
            required=True,
        ),
        _field("committed", "allocated reserved committedquantity 占用 已分配 锁定库存 预留 占用库存 锁定数量"),
        _field(
            "as_of",
            "date asof snapshotdate countedat updatedat timestamp 日期 盘点时间 更新时间 盘点日期 库存日期 快照日期",
        ),
    ),
    "products": (
        _field("sku", _SKU, required=True),
        _field("name", _NAME),
        _field("unit_cost", _COST),
        _field("unit_price", _PRICE),
        _field("currency", _CURRENCY),
        _field(
            "category",
            "categoryname productcategory itemcategory producttype productgroup itemgroup productfamily department "
            "dept family group class categories categoryid "
            "类目 品类 类别 分类 商品类目 商品品类 商品类别 商品分类 产品类目 产品品类 产品类别 产品分类 类目名称 "
            "品类名称 类别名称 分类名称 存货分类 物料分类",
        ),
        _field(
            "unit_volume",
            "volume volumecm3 unitvolumecm3 packedvolume packagevolume itemvolume volumeperunit cbm cbmperunit "
            "unitcbm volumem3 volumecbm volumeml unitvolumem3 体积m3 体积cm3 "
            "体积 单件体积 包装体积 商品体积 单位体积",
        ),
        _field(
            "unit_weight",
            "weight weightg unitweightg grossweight packedweight packageweight itemweight weightperunit variantgrams "
            "weightkg weightkgs unitweightkg weightlb weightlbs weightoz 重量kg 重量g 毛重kg "
            "重量 毛重 单件重量 包装重量 商品重量 单位重量",
        ),
    ),
    "suppliers": (
        _field(
            "code",
            "suppliercode supplierid vendorcode vendorid id 供应商编码 供应商代码 供应商编号 编码 代码",
            required=True,
        ),
        _field("name", "suppliername supplier vendor vendorname company 供应商 供应商名称 名称", required=True),
        _field("country", _COUNTRY),
        _field("currency", _CURRENCY),
        _field("language", _LANGUAGE),
        _field("email", "mail emailaddress orderemail contactemail 邮箱 电子邮件 邮件 电子邮箱 联系邮箱"),
        _field(
            "minimum_total",
            "minimumordervalue minimumorderamount minordervalue mov leastorder 最低订单金额 最小订单金额 起订金额",
        ),
        _field(
            "review_every",
            "reviewdays reviewperiod revieweverydays ordereverydays orderevery orderinterval ordercycle ordercycledays "
            "订货周期 下单周期 补货周期 订货间隔 采购频率",
        ),
        _field(
            "review_from",
            "reviewdate firstreview firstreviewdate nextreview nextreviewdate firstorderdate nextorderdate "
            "首次订货日 订货日 下单日 下次订货日 起始订货日 固定订货日",
        ),
    ),
    "routes": (
        _field("supplier", "suppliercode supplierid vendor vendorcode 供应商 供应商编码 供应商代码", required=True),
        _field("sku", _SKU),
        _field("location", _LOCATION + " destination 目的地", required=True),
        _field("mode", "transport shippingmode transportmode method 运输方式 物流方式 方式"),
        _field(
            "lead_time_days",
            "leadtime leadtimedays leaddays days 交期 提前期 交货周期 采购周期 到货天数",
            required=True,
        ),
        _field("lead_time_sd_days", "leadtimesd leadtimestddev leadtimedeviation sd 交期波动 交期标准差"),
        _field(
            "minimum_order", "moq minimumorderquantity minorder minimumquantity minqty 起订量 最小起订量 最低起订量"
        ),
        _field("pack_size", "pack casepack cartonsize unitspercarton caseqty packqty 箱规 装箱数 包装数 每箱数量"),
        _field("unit_cost", _COST + " landedunitcost price 单价"),
        _field("currency", _CURRENCY),
        _field("container", "containertype containersize boxtype 柜型 箱型 集装箱 货柜 柜子"),
        _field(
            "container_volume",
            "containercapacity containercbm usablevolume loadingvolume 装柜体积 柜容积 可装体积 装载体积",
        ),
        _field("container_weight", "containerpayload payload maxpayload maxload 限重 柜限重 载重 最大载重"),
    ),
    "members": (
        _field("name", "member fullname person displayname 姓名 名字 成员", required=True),
        _field("role", "roles 角色 职位 权限"),
        _field("zone", "timezone tz 时区", required=True),
        _field("language", _LANGUAGE),
        _field("country", _COUNTRY),
        _field("working_from", "workfrom worksfrom workstart from start 上班 上班时间 工作开始"),
        _field("working_to", "workto worksto workend to end until 下班 下班时间 工作结束"),
        _field("workdays", "workingdays days 工作日"),
        _field("slack", "slackid slackuserid slackuser slackmemberid"),
        _field("telegram", "telegramid telegramuserid telegramuser tg tgid 电报"),
    ),
    "inbounds": (
        _field("sku", _SKU, required=True),
        _field("location", _LOCATION + " destination 目的地", required=True),
        _field("quantity", _QUANTITY + " 采购数量 在途数量 到货数量", required=True),
        _field(
            "ordered_at", "orderdate ordered podate createdat purchasedate 下单时间 采购日期 下单日期", required=True
        ),
        _field(
            "expected_on",
            "eta expecteddate duedate expectedarrival arrivaldate 预计到货 预计到货日期 交货日期 到货日期",
            required=True,
        ),
        _field(
            "received_at", "received receiveddate deliveredat arrivedat 收货时间 入库时间 实际到货 收货日期 入库日期"
        ),
        _field("external_id", "ponumber pono po lineid id polineid orderno 采购单号 单号 行号"),
    ),
    "orders": (
        _field("order", _ORDER, required=True),
        _field("status", "state stage orderstatus 状态 订单状态 物流状态 进度"),
        _field(
            "expected_on",
            "eta expecteddate duedate expectedarrival arrivaldate newdate 预计到货 预计到货日期 交货日期 预计日期",
        ),
        _field(
            "reference",
            "carrierreference trackingnumber tracking trackingno waybill confirmation confirmationno supplierreference "
            "运单号 物流单号 快递单号 提单号 供应商单号 确认号",
        ),
    ),
    "receipts": (
        _field("order", _ORDER, required=True),
        _field("sku", _SKU, required=True),
        _field(
            "quantity",
            "qty units received quantityreceived receivedquantity receivedqty 数量 收货数量 入库数量 实收数量 到货数量",
            required=True,
        ),
        _field(
            "received_at",
            "receivedon receiveddate receiptdate date deliveredat arrivedat 收货时间 入库时间 收货日期 入库日期 日期",
            required=True,
        ),
        _field("external_id", "receiptid receiptno lineid id deliverynote deliveryno grn 收货单号 入库单号 行号"),
    ),
    "locations": (
        _field("code", "locationcode warehousecode id 编码 代码 仓库编码", required=True),
        _field("name", "locationname warehouse location 名称 仓库 仓库名称"),
        _field("zone", "timezone tz 时区", required=True),
        _field("country", _COUNTRY),
        _field("currency", _CURRENCY),
        _field("markets", "market channels 市场 站点 销售市场"),
    ),
}

_LAYOUTS: tuple[tuple[Kind, tuple[str, ...], Mapping[str, str]], ...] = (
    (
        "sales",
        ("lineitemsku", "lineitemquantity"),  # Shopify's orders export
        {
            "sku": "lineitemsku",
            "quantity": "lineitemquantity",
            "name": "lineitemname",
            "unit_price": "lineitemprice",
            "order_ref": "name",
            "sold_at": "createdat",
            "market": "shippingcountry",
            "customer": "email",
        },
    ),
)

KINDS: tuple[Kind, ...] = tuple(FIELDS)


def mapped(kind: Kind, headers: Sequence[str], wishes: Mapping[str, str], where: str) -> dict[str, int]:
    """Field -> place of its column in a file of this kind; see `matched`."""
    shapes = [plain(header) for header in headers]
    return matched(FIELDS[kind], kind, headers, wishes, where, _layout(kind, shapes))


def matched(
    fields: Sequence[Field],
    kind: str,
    headers: Sequence[str],
    wishes: Mapping[str, str],
    where: str,
    layout: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, int]:
    """Field -> place of its column, as `wishes` (field -> header), a known `layout` and the header names say.

    Raises FileRefused for a wish that names no field or no header, and for two headers that mean one field.
    """
    found: dict[str, int] = {}
    shapes = [plain(header) for header in headers]
    names = [field.name for field in fields]
    for name, header in wishes.items():
        if name not in names:
            raise FileRefused(
                Fault(f"--map {name}={header}", f"{name} is no field of {kind}", f"write one of {_list(names)}")
            )
        if header not in headers and plain(header) not in shapes:
            raise FileRefused(Fault(f"--map {name}={header}", "no such header", f"the file has {_list(headers)}"))
        found[name] = headers.index(header) if header in headers else shapes.index(plain(header))
    taken = set(found.values())
    found = {**{name: at for name, at in layout.items() if at not in taken}, **found}
    for field in fields:
        if field.name in found:
            continue
        free = [
            place for place in range(len(headers)) if place not in found.values() and shapes[place] in field.headers
        ]
        if len(free) > 1:
            free = _closest(field, shapes, free)
        if len(free) > 1:
            choices = " or ".join(f"--map {field.name}={headers[place]!r}" for place in free)
            raise FileRefused(Fault(where, f"several columns could be {field.name}", f"write {choices}"), "several")
        if free:
            found[field.name] = free[0]
    return found


def missing(kind: Kind, mapping: Mapping[str, int]) -> tuple[str, ...]:
    """The required fields that have no column."""
    return tuple(field.name for field in FIELDS[kind] if field.required and field.name not in mapping)


def require(kind: Kind, mapping: Mapping[str, int], headers: Sequence[str], where: str) -> None:
    """FileRefused where a required field of the kind has no column."""
    refuse_lacking(missing(kind, mapping), headers, where)


def refuse_lacking(lacking: Sequence[str], headers: Sequence[str], where: str) -> None:
    """FileRefused where fields lack a column: it lists the headers and what to write."""
    if lacking:
        wishes = " ".join(f"--map {name}=HEADER" for name in lacking)
        raise FileRefused(Fault(where, f"no column for {', '.join(lacking)} among {_list(headers)}", f"write {wishes}"))


def _closest(field: Field, shapes: Sequence[str], places: Sequence[int]) -> list[int]:
    """Of several headers, the field's very name; for a field that may be absent, the first of its list.

    A required field is too weighty for a preference: the person says which.
    """
    if field.required and not any(shapes[place] == field.headers[0] for place in places):
        return list(places)
    rank = min((field.headers.index(shapes[place]) for place in places), default=0)
    return [place for place in places if shapes[place] == field.headers[rank]]


def _layout(kind: Kind, shapes: Sequence[str]) -> dict[str, int]:
    """The mapping of a well-known export whose headers would mislead, such as Shopify's `Name` for the order."""
    for known, marks, fields in _LAYOUTS:
        if known == kind and all(mark in shapes for mark in marks):
            return {name: shapes.index(shape) for name, shape in fields.items() if shape in shapes}
    return {}


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
