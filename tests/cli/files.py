"""A small shop as files: what a seller would export."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

AT = "2011-11-21T09:00Z"  # the morning after the last sale
LAST = date(2011, 11, 20)
DAYS = 100

SETTINGS = """[organisation]
name = "Harbour Gifts"
currency = "GBP"
zone = "Europe/London"
"""
LOCATIONS = """code,name,zone,country,currency,markets
UK,United Kingdom,Europe/London,GB,GBP,United Kingdom;EIRE;*
DE,Germany,Europe/Berlin,DE,EUR,Germany
"""
PRODUCTS = """sku,name,unit cost,unit price,currency
85123A,WHITE HANGING HEART T-LIGHT HOLDER,1.20,2.95,GBP
22423,REGENCY CAKESTAND 3 TIER,5.10,12.75,GBP
21212,PACK OF 72 [RETRO] SPOT CASES,0.20,0.55,GBP
"""
SUPPLIERS = """code,name,country,currency,language
YIWU,Yiwu Bright Gifts,CN,GBP,zh_CN
"""
ROUTES = """supplier,sku,location,mode,lead time,moq,pack size,unit cost,currency
YIWU,85123A,UK,sea,30,100,50,1.20,GBP
Yiwu Bright Gifts,22423,UK,air,7,10,5,6.00,GBP
"""
MEMBERS = """name,role,zone,language,country,slack,telegram
Lin Wei,approver,Asia/Shanghai,zh_CN,CN,U0LINWEI,700001
Jonas,viewer,Europe/Berlin,en,DE,U0JONAS,
"""
STOCK = """sku,location,on hand,committed,as of
85123A,UK,30,5,2011-11-20
22423,UK,500,0,2011-11-20
21212,UK,900,0,2011-11-20
"""
INBOUNDS = """sku,location,quantity,ordered,eta,po number
22423,UK,100,2011-11-01,2011-11-30,PO-1
"""
SALES_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def sales_lines() -> list[str]:
    """A hundred days: one brisk product, one steady, one that sold once; with what is no demand among them."""
    lines = []
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        invoice = 600_000 - back
        lines.append(f"{invoice},85123A,WHITE HANGING HEART T-LIGHT HOLDER,10,{day} 10:15,2.95,17850,United Kingdom")
        lines.append(f"{invoice},22423,REGENCY CAKESTAND 3 TIER,2,{day} 10:15,12.75,17850,EIRE")
    lines.append("500000,21212,PACK OF 72 [RETRO] SPOT CASES,12,2011-08-13 11:00,0.55,12345,Germany")
    lines.append("C600101,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-10,2011-11-20 16:00,2.95,17850,United Kingdom")
    lines.append("600102,POST,POSTAGE,1,2011-11-20 16:05,18.00,12345,Germany")
    lines.append("600103,22423,damaged,-3,2011-11-20 16:10,0,,United Kingdom")
    return lines


def write(folder: Path) -> None:
    """Every file of the shop into the folder."""
    texts = {
        "stocktide.toml": SETTINGS,
        "locations.csv": LOCATIONS,
        "products.csv": PRODUCTS,
        "suppliers.csv": SUPPLIERS,
        "routes.csv": ROUTES,
        "members.csv": MEMBERS,
        "stock.csv": STOCK,
        "inbounds.csv": INBOUNDS,
        "sales.csv": "\n".join([SALES_HEADER, *sales_lines()]) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
