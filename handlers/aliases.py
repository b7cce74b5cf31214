"""Other words for commands and choices: Chinese, and what people say instead."""

from __future__ import annotations

from bot.chat.router import Aliases

ALIASES = Aliases(
    commands={
        "库存": "stock", "查库存": "stock", "查询": "stock",
        "补货": "restock", "缺货": "restock", "断货": "restock", "reorder": "restock",
        "滞销": "slow", "积压": "slow",
        "周转": "turnover", "周转率": "turnover", "周转天数": "turnover",
        "预警": "cases", "案例": "cases", "case": "cases", "alerts": "cases",
        "为什么": "why", "原因": "why",
        "暂停": "snooze", "稍后": "snooze", "静音": "snooze",
        "批准": "approve", "同意": "approve", "通过": "approve",
        "拒绝": "reject", "驳回": "reject",
        "审批": "requests", "申请": "requests", "待审批": "requests", "request": "requests",
        "叫停": "halt", "熔断": "halt",
        "恢复": "resume",
        "调用": "effect", "存疑": "effect", "effects": "effect",
        "日报": "digest", "早报": "digest", "简报": "digest",
        "我": "me", "设置": "me", "我的": "me", "settings": "me",
        "审计": "audit", "审计日志": "audit",
        "谁在": "who", "谁在线": "who", "在线": "who",
        "绑定": "link", "关联": "link",
        "订阅": "subscribe",
        "退订": "unsubscribe", "取消订阅": "unsubscribe",
        "帮助": "help",
    },
    choices={
        "现在": "now", "立即": "now", "马上": "now",
        "关闭": "off", "关": "off", "停": "off",
        "时区": "zone", "timezone": "zone",
        "语言": "language",
        "工作时间": "hours", "上班时间": "hours",
        "国家": "country", "地区": "country",
        "工作日": "days", "workdays": "days",
        "验证": "verify", "核对": "verify",
        "采购": "purchases", "促销": "promotions", "全部": "all", "所有": "all",
        "已发生": "done", "再发": "again", "重发": "again", "放弃": "drop",
        "是": "yes", "确认": "yes",
        "补货": "restock", "断货": "restock", "缺货": "restock",
        "激增": "surge", "爆单": "surge",
        "滞销": "slow", "积压": "slow",
        "晚到": "late", "延误": "late",
        "数据": "stale", "数据中断": "stale",
        "审批": "requests", "申请": "requests",
    },
    bare="stock",
)  # fmt: skip
