"""Every GraphQL operation that we send to Shopify, by name; tests hold each to the schema of `API_VERSION`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

API_VERSION: Final = "2026-10"  # the one place that dates the API; supported for a year from its first day

_TURN = "pageInfo { hasNextPage endCursor }"
_SHOP_MONEY = "shopMoney { amount currencyCode }"

_VARIANT = "id sku title price"
_LEVEL = """
  id
  isActive
  location { id }
  quantities(names: ["available", "on_hand", "committed", "reserved", "incoming"]) { name quantity }
"""
_ITEM = "id sku tracked variants(first: 1) { nodes { id } }"
_LINE = f"""
  id
  name
  sku
  quantity
  currentQuantity
  isGiftCard
  variant {{ id inventoryItem {{ id }} }}
  originalTotalSet {{ {_SHOP_MONEY} }}
  discountAllocations {{ allocatedAmountSet {{ {_SHOP_MONEY} }} }}
  taxLines {{ priceSet {{ {_SHOP_MONEY} }} }}
"""
_SHIPPED = "quantity lineItem { id }"
_TO_SHIP = "totalQuantity lineItem { id }"
_FULFILLMENT_ORDER = f"""
  __typename
  id
  status
  assignedLocation {{ location {{ id }} }}
  lineItems(first: 30) {{ nodes {{ {_TO_SHIP} }} {_TURN} }}
"""
_REFUNDED = "quantity restockType lineItem { id }"
_RETURNED = (
    "... on ReturnLineItem { quantity processedQuantity refundedQuantity fulfillmentLineItem { lineItem { id } } }"
)
_RETURN = f"""
  __typename
  id
  status
  createdAt
  requestApprovedAt
  closedAt
  returnLineItems(first: 20) {{ nodes {{ {_RETURNED} }} {_TURN} }}
"""
_MOVED = "id totalQuantity inventoryItem { id sku variants(first: 1) { nodes { id } } }"
_ARRIVED = "acceptedQuantity rejectedQuantity inventoryItem { id }"
_SHIPMENT = f"""
  __typename
  id
  status
  dateReceived
  tracking {{ arrivesAt }}
  lineItems(first: 30) {{ nodes {{ {_ARRIVED} }} {_TURN} }}
"""

_PRODUCT = f"""
  __typename
  id
  title
  productType
  status
  isGiftCard
  updatedAt
  variants(first: 50) {{ nodes {{ {_VARIANT} }} {_TURN} }}
"""
_STOCKED = f"""
  __typename
  {_ITEM}
  inventoryLevels(first: 20, includeInactive: true) {{ nodes {{ {_LEVEL} }} {_TURN} }}
"""
_ORDER = f"""
  __typename
  id
  name
  test
  cancelledAt
  processedAt
  updatedAt
  taxesIncluded
  retailLocation {{ id }}
  customer @include(if: $customers) {{ id }}
  lineItems(first: 30) {{ nodes {{ {_LINE} }} {_TURN} }}
  fulfillments {{
    __typename
    id
    status
    location {{ id }}
    fulfillmentLineItems(first: 30) {{ nodes {{ {_SHIPPED} }} {_TURN} }}
  }}
  fulfillmentOrders(first: 5) @include(if: $places) {{ nodes {{ {_FULFILLMENT_ORDER} }} {_TURN} }}
  refunds {{
    __typename
    id
    processedAt
    refundLineItems(first: 30) {{ nodes {{ {_REFUNDED} }} {_TURN} }}
  }}
  returns(first: 5) @include(if: $returns) {{ nodes {{ {_RETURN} }} {_TURN} }}
"""
_TRANSFER = f"""
  __typename
  id
  name
  status
  tags
  dateCreated
  origin {{ name }}
  destination {{ location {{ id }} }}
  lineItems(first: 30) {{ nodes {{ {_MOVED} }} {_TURN} }}
  shipments(first: 5) {{ nodes {{ {_SHIPMENT} }} {_TURN} }}
"""
_WRITTEN = "id name status tags"
_ORDER_TERMS = "$customers: Boolean!, $places: Boolean!, $returns: Boolean!"
_PRICED = """
  id
  sku
  price
  compareAtPrice
  product { id }
  metafield(namespace: "stocktide", key: "prices") { value }
"""

# What a record holds more of than came with it, page by page: by its type and field, what to ask of each entry.
MORE: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("Product", "variants"): _VARIANT,
        ("InventoryItem", "inventoryLevels"): _LEVEL,
        ("Order", "lineItems"): _LINE,
        ("Order", "fulfillmentOrders"): _FULFILLMENT_ORDER,
        ("Order", "returns"): _RETURN,
        ("Fulfillment", "fulfillmentLineItems"): _SHIPPED,
        ("FulfillmentOrder", "lineItems"): _TO_SHIP,
        ("Refund", "refundLineItems"): _REFUNDED,
        ("Return", "returnLineItems"): _RETURNED,
        ("InventoryTransfer", "lineItems"): _MOVED,
        ("InventoryTransfer", "shipments"): _SHIPMENT,
        ("InventoryShipment", "lineItems"): _ARRIVED,
    }
)


def more(owner: str, field: str) -> str:
    """The name of the operation that goes on with a field of a type."""
    return f"More{owner}{field[0].upper()}{field[1:]}"


def _more(owner: str, field: str, entries: str) -> str:
    also = ", includeInactive: true" if field == "inventoryLevels" else ""
    return f"""query {more(owner, field)}($id: ID!, $after: String!) {{
  node(id: $id) {{
    ... on {owner} {{ {field}(first: 50, after: $after{also}) {{ nodes {{ {entries} }} {_TURN} }} }}
  }}
}}"""


_OWN = {
    "OrdersCount": "query OrdersCount { ordersCount { count } }",
    "VariantsCount": "query VariantsCount { productVariantsCount { count } }",
    "BulkStart": """mutation BulkStart($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id createdAt }
    userErrors { code message }
  }
}""",
    "BulkState": """query BulkState($id: ID!) {
  bulkOperation(id: $id) { id status errorCode createdAt objectCount rootObjectCount fileSize url }
}""",
    "OrdersNamed": f"""query OrdersNamed($ids: [ID!]!, {_ORDER_TERMS}) {{
  nodes(ids: $ids) {{ ... on Order {{ {_ORDER} }} }}
}}""",
    "Terms": """query Terms {
  shop { id currencyCode myshopifyDomain }
  currentAppInstallation { id accessScopes { handle } }
}""",
    "Primary": "query Primary { location { id } }",
    "Places": f"""query Places($after: String) {{
  locations(first: 50, after: $after, includeInactive: true, includeLegacy: true) {{
    nodes {{ id name address {{ countryCode }} }}
    {_TURN}
  }}
}}""",
    "Products": f"""query Products($first: Int!, $after: String, $query: String) {{
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ {_PRODUCT} }} {_TURN} }}
}}""",
    "Product": f"query Product($id: ID!) {{ product(id: $id) {{ {_PRODUCT} }} }}",
    "Items": f"""query Items($first: Int!, $after: String, $query: String) {{
  inventoryItems(first: $first, after: $after, query: $query) {{ nodes {{ {_STOCKED} }} {_TURN} }}
}}""",
    "ItemsNamed": f"query ItemsNamed($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on InventoryItem {{ {_STOCKED} }} }} }}",
    "VariantsNamed": "query VariantsNamed($ids: [ID!]!) { nodes(ids: $ids) { ... on ProductVariant { id } } }",
    "Levels": f"""query Levels($location: ID!, $first: Int!, $after: String, $query: String) {{
  location(id: $location) {{
    inventoryLevels(first: $first, after: $after, query: $query, includeInactive: true) {{
      nodes {{ {_LEVEL} item {{ {_ITEM} }} }}
      {_TURN}
    }}
  }}
}}""",
    "Orders": f"""query Orders($first: Int!, $after: String, $query: String, {_ORDER_TERMS}) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ {_ORDER} }} {_TURN} }}
}}""",
    "Transfers": f"""query Transfers($first: Int!, $after: String, $query: String) {{
  inventoryTransfers(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
    nodes {{ {_TRANSFER} }}
    {_TURN}
  }}
}}""",
    "Transfer": f"query Transfer($id: ID!) {{ inventoryTransfer(id: $id) {{ {_TRANSFER} }} }}",
    "TransfersTagged": f"""query TransfersTagged($query: String!) {{
  inventoryTransfers(first: 5, query: $query) {{ nodes {{ {_WRITTEN} }} {_TURN} }}
}}""",
    "TransferAsWritten": f"""query TransferAsWritten($id: ID!, $after: String) {{
  inventoryTransfer(id: $id) {{
    {_WRITTEN}
    origin {{ location {{ id }} }}
    destination {{ location {{ id }} }}
    lineItems(first: 250, after: $after) {{ nodes {{ totalQuantity inventoryItem {{ id }} }} {_TURN} }}
  }}
}}""",
    "TransferDraft": """mutation TransferDraft($input: InventoryTransferCreateInput!, $key: String!) {
  inventoryTransferCreate(input: $input) @idempotent(key: $key) {
    inventoryTransfer { id }
    userErrors { field message code }
  }
}""",
    "TransferReady": """mutation TransferReady($input: InventoryTransferCreateAsReadyToShipInput!, $key: String!) {
  inventoryTransferCreateAsReadyToShip(input: $input) @idempotent(key: $key) {
    inventoryTransfer { id }
    userErrors { field message code }
  }
}""",
    "ItemsOf": f"""query ItemsOf($query: String!) {{
  inventoryItems(first: 50, query: $query) {{ nodes {{ id sku }} {_TURN} }}
}}""",
    "ItemsOfVariants": """query ItemsOfVariants($ids: [ID!]!) {
  nodes(ids: $ids) { ... on ProductVariant { id inventoryItem { id sku } } }
}""",
    "Subscriptions": f"""query Subscriptions($uri: String!, $after: String) {{
  webhookSubscriptions(first: 50, after: $after, uri: $uri) {{ nodes {{ id topic }} {_TURN} }}
}}""",
    "Subscribe": """mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}""",
    "Price": f"""query Price($query: String!, $key: String!) {{
  shop {{ currencyCode }}
  currentAppInstallation {{ id metafield(namespace: "stocktide", key: $key) {{ value }} }}
  productVariants(first: 50, query: $query) {{ nodes {{ {_PRICED} }} {_TURN} }}
}}""",
    "PriceOf": f"""query PriceOf($id: ID!) {{
  shop {{ currencyCode }}
  productVariant(id: $id) {{ {_PRICED} }}
}}""",
    "Written": """query Written($key: String!) {
  currentAppInstallation { id metafield(namespace: "stocktide", key: $key) { value } }
}""",
    "Intend": """mutation Intend($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { id } userErrors { field message code } }
}""",
    "SetPrice": """mutation SetPrice($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) {
    productVariants { id }
    userErrors { field message code }
  }
}""",
}

# What a bulk operation is asked: one list with the lists inside of it, whole. Shopify takes five lists at most, nested
# two deep, and none inside of a plain list: what refunds and fulfilments hold is not among it.
_BULK_ORDERS = f"""{{
  orders {{ edges {{ node {{
    id name test cancelledAt processedAt updatedAt taxesIncluded returnStatus
    retailLocation {{ id }}
    CUSTOMER
    refunds {{ id }}
    fulfillments {{ status location {{ id }} }}
    lineItems {{ edges {{ node {{ {_LINE} }} }} }}
    fulfillmentOrders {{ edges {{ node {{
      id status assignedLocation {{ location {{ id }} }}
      lineItems {{ edges {{ node {{ id {_TO_SHIP} }} }} }}
    }} }} }}
  }} }} }}
}}"""
BULK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "products": f"""{{
  products {{ edges {{ node {{
    id title productType status isGiftCard updatedAt
    variants {{ edges {{ node {{ {_VARIANT} }} }} }}
  }} }} }}
}}""",
        "stock": f"""{{
  inventoryItems {{ edges {{ node {{
    id sku tracked
    variants {{ edges {{ node {{ id }} }} }}
    inventoryLevels(includeInactive: true) {{ edges {{ node {{ {_LEVEL} }} }} }}
  }} }} }}
}}""",
        "orders": _BULK_ORDERS.replace("CUSTOMER", ""),
        "orders of known customers": _BULK_ORDERS.replace("CUSTOMER", "customer { id }"),
    }
)

_DEAL = """
  __typename
  title
  startsAt
  endsAt
  createdAt
  tags
  asyncUsageCount
  combinesWith { orderDiscounts productDiscounts }
  customerGets {
    value { __typename ... on DiscountPercentage { percentage } }
    items {
      __typename
      ... on DiscountProducts {
        products(first: 5) { nodes { id } }
        productVariants(first: 100) { nodes { id sku } }
      }
    }
  }
"""
_DEALS = {
    "Bearing": f"""query Bearing($query: String!) {{
  productVariants(first: 50, query: $query) {{ nodes {{ id sku }} {_TURN} }}
}}""",
    "CodeOf": """query CodeOf($code: String!) {
  codeDiscountNodeByCode(code: $code) { id codeDiscount { __typename ... on DiscountCodeBasic { createdAt tags } } }
}""",
    "DiscountOf": f"""query DiscountOf($id: ID!) {{
  discountNode(id: $id) {{
    id
    discount {{
      ... on DiscountCodeBasic {{ {_DEAL} codes(first: 2) {{ nodes {{ code }} }} }}
      ... on DiscountAutomaticBasic {{ {_DEAL} }}
    }}
  }}
}}""",
    "Newest": f"""query Newest($after: String) {{
  discountNodes(first: 50, after: $after, sortKey: CREATED_AT, reverse: true) {{
    nodes {{
      id
      discount {{
        __typename
        ... on DiscountCodeBasic {{ createdAt tags }}
        ... on DiscountAutomaticBasic {{ createdAt tags }}
      }}
    }}
    {_TURN}
  }}
}}""",
    "Grant": """mutation Grant($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) {
    codeDiscountNode { id }
    userErrors { field message code }
  }
}""",
    "GrantBasket": """mutation GrantBasket($discount: DiscountAutomaticBasicInput!) {
  discountAutomaticBasicCreate(automaticBasicDiscount: $discount) {
    automaticDiscountNode { id }
    userErrors { field message code }
  }
}""",
    "Withdraw": """mutation Withdraw($id: ID!) {
  discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { field message code } }
}""",
    "WithdrawBasket": """mutation WithdrawBasket($id: ID!) {
  discountAutomaticDelete(id: $id) { deletedAutomaticDiscountId userErrors { field message code } }
}""",
}

OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    _OWN | _DEALS | {more(owner, field): _more(owner, field, entries) for (owner, field), entries in MORE.items()}
)
