'use strict';
// A real Vendure in memory, with its own sample goods: prints READY once it answers. PORT and HOOK_SECRET are given.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { bootstrap, DefaultLogger, dummyPaymentHandler, JobQueueService, LogLevel } = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const { StocktidePlugin } = require(process.env.PLUGIN);

const samples = path.join(path.dirname(require.resolve('@vendure/create/package.json')), 'assets');
const initial = require(path.join(samples, 'initial-data.json'));

/** The sample's goods without their pictures, which nobody here looks at. */
function goods() {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'vendure-')), 'products.csv');
  fs.writeFileSync(file, fs.readFileSync(path.join(samples, 'products.csv'), 'utf8').replace(/[\w.-]+\.jpg/g, ''));
  return file;
}

const config = {
  apiOptions: { port: Number(process.env.PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer', 'api-key'],
    superadminCredentials: { identifier: 'superadmin', password: process.env.PASSWORD },
    cookieOptions: { secret: 'unused' },
  },
  dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false, logging: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Error }),
  plugins: [StocktidePlugin.init({ secret: process.env.HOOK_SECRET })],
};

async function main() {
  const app = await populate(() => bootstrap(config), { ...initial, collections: [] }, goods());
  await app.get(JobQueueService).start();
  console.log('READY');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
