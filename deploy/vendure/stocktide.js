'use strict';
/*
 * Stocktide's side of a Vendure store (3.7): calls Stocktide when something changed, and gives a variant two fields, and
 * a promotion one, for what Stocktide writes. Put it beside your vendure-config and add it to `plugins`; see docs/stores/vendure.md.
 *
 * Calls say ids alone, never a name or an address, and are signed over their very bytes. They go through the store's own
 * job queue, which makes a call again that failed.
 */
require('reflect-metadata');
const { createHmac, randomUUID } = require('node:crypto');
const {
  ConfigService, EventBus, FulfillmentStateTransitionEvent, JobQueueService, Logger, OrderEvent, OrderPlacedEvent,
  OrderStateTransitionEvent, Permission, PluginCommonModule, ProductEvent, ProductVariantEvent, ProductVariantPriceEvent,
  RefundEvent, RefundStateTransitionEvent, RequestContextService, SettingsStoreScopes, SettingsStoreService,
  StockMovementEvent, VendurePlugin, Fulfillment, TransactionalConnection,
} = require('@vendure/core');

const ADDRESS = 'stocktide.address';
const TRIES = 8; // the queue's own pauses lie between them
const PATIENCE = 10_000; // milliseconds that a call may take
const PACE = 250; // milliseconds between two calls; a queue of Vendure's own takes up no more than five jobs a second
const MOST = 500; // ids of a call

const ids = (found) => [...new Set(found.filter((id) => id != null))];
const listed = (entity) => (Array.isArray(entity) ? entity : [entity]);
const order = (event) => ({ orders: ids([event.order && event.order.id]) });

/* What each event is about: ids of orders, variants or products. */
const ABOUT = new Map([
  [OrderPlacedEvent, order],
  [OrderStateTransitionEvent, order],
  [OrderEvent, order],
  [RefundEvent, order],
  [RefundStateTransitionEvent, order],
  [StockMovementEvent, (event) => ({ variants: ids(event.stockMovements.map((each) => each.productVariant && each.productVariant.id)) })],
  [ProductVariantEvent, (event) => ({ variants: ids(listed(event.entity).map((each) => each.id)) })],
  [ProductVariantPriceEvent, (event) => ({ variants: ids(listed(event.entity).map((each) => each.variant && each.variant.id)) })],
  [ProductEvent, (event) => ({ products: ids([event.entity.id]) })],
]);

class StocktidePlugin {
  /** `secret` is `hook_secret` of the store in Stocktide's settings. */
  static init(options) {
    StocktidePlugin.secret = (options && options.secret) || '';
    return StocktidePlugin;
  }

  constructor(config, events, jobs, settings, contexts, connection) {
    Object.assign(this, { config, events, jobs, settings, contexts, connection, waiting: new Map(), last: 0 });
  }

  async onApplicationBootstrap() {
    this.queue = await this.jobs.createQueue({ name: 'stocktide', process: (job) => this.call(job.data) });
    for (const [kind, about] of ABOUT) {
      this.events.ofType(kind).subscribe((event) => this.note(kind.name, event, about));
    }
    this.events.ofType(FulfillmentStateTransitionEvent)
      .subscribe((event) => this.note(FulfillmentStateTransitionEvent.name, event, (found) => this.sent(found)));
  }

  /** The orders that a fulfilment is of. */
  async sent(event) {
    const found = await this.connection.getRepository(event.ctx, Fulfillment)
      .findOne({ where: { id: event.fulfillment.id }, relations: ['orders'] });
    return { orders: ids(((found && found.orders) || []).map((each) => each.id)) };
  }

  /** Note what is to be said; a basket that is still being filled is nobody's business. Nothing here harms the store. */
  async note(topic, event, about) {
    if (!StocktidePlugin.secret || (event.order && event.order.active && topic !== OrderPlacedEvent.name)) return;
    try {
      const codec = this.config.entityOptions.entityIdStrategy || this.config.entityIdStrategy; // ids as the API has them
      for (const [subject, found] of Object.entries(await about(event))) {
        for (const id of found) {
          const named = `${subject} ${codec.encodeId(id)}`;
          this.waiting.set(named, (this.waiting.get(named) || new Set()).add(topic));
        }
      }
      if (this.waiting.size > 0 && !this.timer) {
        this.timer = setTimeout(() => this.flush(), Math.max(0, this.last + PACE - Date.now()));
      }
    } catch (error) {
      Logger.error(`a call is lost: ${error.message}`, 'Stocktide');
    }
  }

  /** Queue what was noted: at once where it was quiet, otherwise what came together, together. */
  async flush() {
    const noted = [...this.waiting];
    this.waiting.clear();
    this.timer = undefined;
    this.last = Date.now();
    try {
      for (let from = 0; from < noted.length; from += MOST) {
        const some = noted.slice(from, from + MOST);
        const topics = new Set(some.flatMap(([, of]) => [...of]));
        const said = { id: randomUUID(), topic: [...topics].sort().join(' ') };
        for (const [named] of some) {
          const [subject, id] = named.split(' ');
          (said[subject] = said[subject] || []).push(id);
        }
        await this.queue.add(said, { retries: TRIES });
      }
    } catch (error) {
      Logger.error(`a call is lost: ${error.message}`, 'Stocktide');
    }
  }

  /** Make a call; whatever is no 2xx is an error, so that the queue makes it again. */
  async call(said) {
    const context = await this.contexts.create({ apiType: 'admin' });
    const address = await this.settings.get(context, ADDRESS);
    if (!address) return 'nobody listens';
    const body = Buffer.from(JSON.stringify(said));
    const signature = createHmac('sha256', StocktidePlugin.secret).update(body).digest('base64');
    const answer = await fetch(address, {
      method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(PATIENCE),
      headers: { 'content-type': 'application/json', 'x-stocktide-signature': signature },
    });
    if (!answer.ok) throw new Error(`Stocktide answered ${answer.status}`);
    return answer.status;
  }
}

Reflect.defineMetadata(
  'design:paramtypes',
  [ConfigService, EventBus, JobQueueService, SettingsStoreService, RequestContextService, TransactionalConnection],
  StocktidePlugin,
);

const address = (value) => {
  try {
    if (['https:', 'http:'].includes(new URL(value).protocol)) return undefined;
  } catch { /* said below */ }
  return 'write an address';
};

VendurePlugin({
  imports: [PluginCommonModule],
  compatibility: '^3.7.0',
  configuration: (config) => {
    config.settingsStoreFields = {
      ...config.settingsStoreFields,
      stocktide: [{
        name: 'address', scope: SettingsStoreScopes.global, validate: address,
        requiresPermission: { read: Permission.ReadSettings, write: Permission.UpdateSettings },
      }],
    };
    config.customFields.ProductVariant.push(
      // In minor units of the channel's currency: for the storefront to strike through.
      { name: 'stocktideCompareAt', type: 'int', nullable: true, public: true },
      // The last prices that Stocktide wrote, by which it finds its own again.
      { name: 'stocktidePrices', type: 'text', nullable: true, public: false },
    );
    config.customFields.Promotion.push(
      // What Stocktide finds a promotion of its own by; nobody else's has one.
      { name: 'stocktideKey', type: 'string', nullable: true, public: false },
    );
    return config;
  },
})(StocktidePlugin);

module.exports = { StocktidePlugin };
