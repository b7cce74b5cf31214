// Tells Stocktide which order changed, signed, the moment it does. Copy this file to src/subscribers/stocktide.ts of a
// Medusa v2 project, and set STOCKTIDE_URL (where Stocktide hears this store) and STOCKTIDE_SECRET (its hook_secret).
// Nothing but the order's id is told: Stocktide reads the order itself.
import { createHmac, randomUUID } from "node:crypto"

export default async function tellStocktide({ event }) {
  const { STOCKTIDE_URL, STOCKTIDE_SECRET } = process.env
  const order = event.data?.order_id ?? event.data?.id
  if (!STOCKTIDE_URL || !STOCKTIDE_SECRET || !order) {
    return
  }
  const body = JSON.stringify({ id: randomUUID(), event: event.name, order })
  const signature = createHmac("sha256", STOCKTIDE_SECRET).update(body).digest("hex")
  const headers = { "content-type": "application/json", "x-stocktide-signature": signature }
  const answer = await fetch(STOCKTIDE_URL, { method: "POST", body, headers, signal: AbortSignal.timeout(5000) })
  if (!answer.ok) {
    // An event bus that keeps its events tries again; otherwise the hourly reading finds the order.
    throw new Error(`Stocktide answered ${answer.status}`)
  }
}

export const config = {
  event: [
    "order.placed",
    "order.updated",
    "order.canceled",
    "order.completed",
    "order.archived",
    "order.fulfillment_created",
    "order.fulfillment_canceled",
    "order.return_received",
    "order.claim_created",
    "order.exchange_created",
    "order-edit.confirmed",
  ],
}
