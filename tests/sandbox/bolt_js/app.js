// A small Slack app on @slack/bolt. It says on standard output what it did, one JSON object per line.
const { App } = require('@slack/bolt');

const sockets = process.env.MODE === 'socket';
const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));
const quiet = () => {};
const logger = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: (...words) => say('error', { words: words.map(String) }),
  getLevel: () => 'error',
  setLevel: quiet,
  setName: quiet,
};

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  socketMode: sockets,
  logger,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
});

const button = (label, id) => ({
  type: 'button', text: { type: 'plain_text', text: label }, action_id: id, value: `${id}-value`,
});

app.command('/stock', async ({ command, ack, respond, client }) => {
  await ack();
  await respond({ text: `Only you see this: ${command.text}`, response_type: 'ephemeral' });
  await client.chat.postMessage({
    channel: command.channel_id,
    text: `Stock of ${command.text}`,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `Stock of *${command.text}*` } },
      { type: 'actions', elements: [button('Approve', 'approve'), button('Reject', 'reject')] },
    ],
  });
  say('command', { text: command.text });
});

app.action('approve', async ({ ack, body, client, respond }) => {
  await ack();
  await client.chat.update({
    channel: body.channel.id, ts: body.message.ts, text: `Approved by <@${body.user.id}>`, blocks: [],
  });
  await respond({ text: 'Done', replace_original: false, response_type: 'ephemeral' });
  say('approved', { by: body.user.id });
});

app.action('reject', async ({ ack, body, client }) => {
  await ack();
  await client.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: 'modal',
      callback_id: 'reason',
      private_metadata: body.message.ts,
      title: { type: 'plain_text', text: 'Why not?' },
      submit: { type: 'plain_text', text: 'Send' },
      blocks: [{
        type: 'input',
        block_id: 'reason',
        label: { type: 'plain_text', text: 'Reason' },
        element: { type: 'plain_text_input', action_id: 'text' },
      }],
    },
  });
  say('opened');
});

app.view('reason', async ({ ack, body, view }) => {
  const reason = view.state.values.reason.text.value;
  if (reason.length < 5) {
    await ack({ response_action: 'errors', errors: { reason: 'Say more.' } });
    return;
  }
  await ack();
  say('rejected', { by: body.user.id, reason, card: view.private_metadata });
});

app.event('app_home_opened', async ({ event, client }) => {
  await client.views.publish({
    user_id: event.user,
    view: { type: 'home', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'Your board' } }] },
  });
  say('home', { user: event.user });
});

app.message('hello', async ({ message, say: answer, client }) => {
  const { user } = await client.users.info({ user: message.user, include_locale: true });
  await answer(`Hello from ${user.tz}, ${user.locale}`);
});

app.message('picture', async ({ message, client }) => {
  const file = Buffer.from('iVBORw0KGgo=', 'base64');
  await client.filesUploadV2({ channel_id: message.channel, file, filename: 'chart.png', title: 'Chart' });
  say('uploaded');
});

app.message('wrong', async ({ message, client }) => {
  try {
    await client.chat.postMessage({ channel: message.channel, text: 'x', blocks: [{ type: 'nonsense' }] });
  } catch (error) {
    say('refused', { error: error.data.error, messages: error.data.response_metadata.messages });
  }
});

app.error(async (error) => say('error', { words: [String(error)] }));

(async () => {
  if (sockets) {
    await app.start();
    say('ready', { port: 0 });
  } else {
    const server = await app.start({ port: 0, host: '127.0.0.1' });
    say('ready', { port: server.address().port });
  }
})();
