"""Every GraphQL operation that we send to Vendure, by name; tests hold each to the schema of a real 3.7.3.

No operation asks for a name, an address or anything else of a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TERMS = """
  activeChannel { token defaultCurrencyCode }
  globalSettings { trackInventory serverConfig { moneyStrategyPrecision } }
"""
_VARIANT = """
  id
  sku
  name
  enabled
  trackInventory
  product { enabled }
  prices { currencyCode price }
  stockLevels { stockLocationId stockOnHand stockAllocated }
"""
_ORDER = """
  id
  code
  type
  state
  updatedAt
  orderPlacedAt
  currencyCode
  customer { id }
  lines {
    id
    quantity
    orderPlacedQuantity
    proratedLinePrice
    proratedUnitPrice
    productVariant { id sku name }
    fulfillmentLines { quantity fulfillment { state } }
  }
  payments { refunds { id state createdAt lines { orderLineId quantity } } }
  history(options: {filter: {type: {eq: "ORDER_CANCELLATION"}}, sort: {id: ASC}, take: 100}) {
    items { id createdAt data }
  }
"""
_PRICED = """
  id
  sku
  prices { currencyCode price }
  customFields { stocktideCompareAt stocktidePrices }
"""

_PROMOTION = """
  id
  createdAt
  enabled
  startsAt
  endsAt
  couponCode
  perCustomerUsageLimit
  usageLimit
  name
  conditions { code args { name value } }
  actions { code args { name value } }
"""
_DISCOUNTS = {
    "Bearing": """query Bearing($filter: ProductVariantFilterParameter) {
  activeChannel { token }
  productVariants(options: {filter: $filter, take: 100}) { items { id sku } totalItems }
}""",
    "Named": """query Named($ids: [String!]!) {
  activeChannel { token }
  productVariants(options: {filter: {id: {in: $ids}}, take: 100}) { items { id sku } }
}""",
    "Tongue": "query Tongue { activeChannel { token defaultLanguageCode } }",
    "Codes": """query Codes($code: String!) {
  activeChannel { token }
  promotions(options: {filter: {couponCode: {contains: $code}}, take: 100}) { items { id couponCode } totalItems }
}""",
    "Granted": f"""query Granted($mark: String!) {{
  activeChannel {{ token }}
  promotions(options: {{filter: {{stocktideKey: {{eq: $mark}}}}, sort: {{id: ASC}}, take: 100}}) {{
    items {{ {_PROMOTION} }}
  }}
}}""",
    "PromotionOf": f"""query PromotionOf($id: ID!) {{
  activeChannel {{ token }}
  promotion(id: $id) {{ {_PROMOTION} }}
}}""",
    "Grant": """mutation Grant($promotion: CreatePromotionInput!) {
  createPromotion(input: $promotion) {
    ... on Promotion { id }
    ... on MissingConditionsError { errorCode message }
  }
}""",
    "MayGrant": """mutation MayGrant {
  createPromotion(input: {enabled: false, conditions: [], actions: [], translations: []}) {
    ... on Promotion { id }
    ... on MissingConditionsError { errorCode message }
  }
}""",
    "Withdraw": "mutation Withdraw($id: ID!) { deletePromotion(id: $id) { result message } }",
    "MayWithdraw": "mutation MayWithdraw { deletePromotions(ids: []) { result } }",
}

OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    _DISCOUNTS
    | {
        "Login": """mutation Login($username: String!, $password: String!) {
  login(username: $username, password: $password) {
    ... on CurrentUser { id }
    ... on InvalidCredentialsError { errorCode message }
    ... on NativeAuthStrategyError { errorCode message }
  }
}""",
        "Terms": f"query Terms {{ {_TERMS} }}",
        "Places": """query Places($skip: Int!, $take: Int!) {
  stockLocations(options: {skip: $skip, take: $take, sort: {id: ASC}}) { items { id name } totalItems }
}""",
        "Variants": f"""query Variants($skip: Int!, $take: Int!, $filter: ProductVariantFilterParameter) {{
  productVariants(options: {{skip: $skip, take: $take, sort: {{id: ASC}}, filter: $filter}}) {{
    items {{ {_VARIANT} }}
    totalItems
  }}
}}""",
        "Orders": f"""query Orders($skip: Int!, $take: Int!, $filter: OrderFilterParameter) {{
  orders(options: {{skip: $skip, take: $take, sort: {{id: ASC}}, filter: $filter}}) {{
    items {{ {_ORDER} }}
    totalItems
  }}
}}""",
        "VariantsIds": """query VariantsIds($skip: Int!, $filter: ProductVariantFilterParameter) {
  productVariants(options: {skip: $skip, take: 1, sort: {id: ASC}, filter: $filter}) { items { id } }
}""",
        "OrdersIds": """query OrdersIds($skip: Int!, $filter: OrderFilterParameter) {
  orders(options: {skip: $skip, take: 1, sort: {id: ASC}, filter: $filter}) { items { id } }
}""",
        "Hooks": "query Hooks($key: String!) { getSettingsStoreValue(key: $key) }",
        "Subscribe": """mutation Subscribe($key: String!, $value: JSON!) {
  setSettingsStoreValue(input: {key: $key, value: $value}) { result error }
}""",
        "Price": f"""query Price($filter: ProductVariantFilterParameter, $mark: String!) {{
  {_TERMS}
  bearing: productVariants(options: {{filter: $filter, take: 100}}) {{ items {{ {_PRICED} }} totalItems }}
  marked: productVariants(options: {{filter: {{stocktidePrices: {{contains: $mark}}}}, take: 1}}) {{
    items {{ {_PRICED} }}
  }}
}}""",
        "PriceOf": f"""query PriceOf($id: ID!) {{
  {_TERMS}
  productVariant(id: $id) {{ {_PRICED} }}
}}""",
        "Written": f"""query Written($mark: String!) {{
  {_TERMS}
  productVariants(options: {{filter: {{stocktidePrices: {{contains: $mark}}}}, take: 1}}) {{ items {{ {_PRICED} }} }}
}}""",
        "MayWrite": "mutation MayWrite { updateProductVariants(input: []) { id } }",
        "SetPrice": """mutation SetPrice($change: UpdateProductVariantInput!) {
  updateProductVariants(input: [$change]) { id }
}""",
    }
)
