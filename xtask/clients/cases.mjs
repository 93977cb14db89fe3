// The cases of the TypeScript clients; how to connect is the business of each client's own file.
//
// Prints one line a case, `ok ...` or `not ok ...`; the chore that starts it counts them.

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const FROM = '+15005550006';
const TO = '+14155552345';
const NOBODY = `SM${'0'.repeat(32)}`;

export const options = parseArgs({
  options: { url: { type: 'string' }, sandbox: { type: 'string' }, binary: { type: 'string' } },
}).values;

/** How the stdio server is started: a shell keeps its error output, which names the simulators. */
export function stdioServer(log) {
  return { command: 'sh', args: ['-c', 'exec "$0" stdio --sandbox 2>>"$1"', options.binary, log] };
}

/** What a person answers: yes to every question, or nothing. */
export function answer(elicit, params) {
  if (elicit === 'decline') return { action: 'decline' };
  const fields = Object.entries(params.requestedSchema?.properties ?? {});
  const content = fields.filter(([, field]) => field.type === 'boolean').map(([name]) => [name, true]);
  return { action: 'accept', content: Object.fromEntries(content) };
}

function check(condition, message) {
  if (!condition) throw new Error(message);
}

function simulators(transport, log) {
  if (transport === 'http') return options.sandbox;
  const found = [...readFileSync(log, 'utf8').matchAll(/sandbox: (http:\/\/[0-9.:]+)/g)];
  check(found.length > 0, 'the server did not say on stderr where its simulators are');
  return found.at(-1)[1];
}

async function under(control, fault, work) {
  const faults = `${control}/_sandbox/faults`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ provider: 'twilio', ...fault });
  check((await fetch(faults, { method: 'POST', headers, body })).ok, 'the fault was refused');
  try {
    return await work();
  } finally {
    await fetch(faults, { method: 'DELETE' });
  }
}

async function call(client, name, args, extra) {
  const result = await client.callTool(name, args, extra);
  check(!result.isError, `${name} failed: ${result.content[0]?.text}`);
  check(result.structuredContent, `${name} has no structured content`);
  return result.structuredContent;
}

async function failed(client, code, name, args) {
  const result = await client.callTool(name, args);
  check(result.isError, `${name} should have failed with ${code}`);
  const { error } = JSON.parse(result.content[0].text);
  check(error.code === code, `${error.code} instead of ${code}: ${error.message}`);
  check(error.hint, `${code} has no hint`);
  return error;
}

async function send(client, body = 'Hello') {
  return (await call(client, 'twilio_send_message', { to: TO, from: FROM, body })).sid;
}

const CASES = {
  async 'lists tools'(connect) {
    const client = await connect();
    const names = (await client.listTools()).map((tool) => tool.name);
    check(names.includes('twilio_send_message'), `only ${names}`);
    check(new Set(names).size === names.length, 'a name is there twice');
  },
  async 'sends a message'(connect) {
    const client = await connect();
    const sid = await send(client);
    check(/^SM[0-9a-f]{32}$/.test(sid), sid);
    check((await call(client, 'twilio_get_message', { sid })).sid === sid, 'another message came');
  },
  async 'follows pages'(connect) {
    const client = await connect();
    for (const number of [0, 1, 2]) await send(client, `page ${number}`);
    const first = await call(client, 'twilio_list_messages', { limit: 2 });
    check(first.items.length === 2 && first.next_cursor, JSON.stringify(first));
    const second = await call(client, 'twilio_list_messages', { limit: 2, cursor: first.next_cursor });
    const seen = first.items.map((item) => item.sid);
    check(second.items.length > 0, 'the second page is empty');
    check(!second.items.some((item) => seen.includes(item.sid)), 'a message came twice');
  },
  async 'names what is not there'(connect) {
    const client = await connect();
    const error = await failed(client, 'TWILIO_NOT_FOUND', 'twilio_get_message', { sid: NOBODY });
    check(error.details.provider === 'twilio', JSON.stringify(error));
  },
  async 'refuses bad arguments'(connect) {
    const client = await connect();
    await failed(client, 'INVALID_ARGUMENTS', 'twilio_send_message', { to: 7, body: 'Hello', colour: 'red' });
  },
  async 'deletes when the person agrees'(connect) {
    const client = await connect({ elicit: 'accept' });
    const sid = await send(client);
    await call(client, 'twilio_delete_message', { sid });
    await failed(client, 'TWILIO_NOT_FOUND', 'twilio_get_message', { sid });
  },
  async 'keeps when the person declines'(connect) {
    const client = await connect({ elicit: 'decline' });
    const sid = await send(client);
    await failed(client, 'CONFIRMATION_DECLINED', 'twilio_delete_message', { sid });
    await call(client, 'twilio_get_message', { sid });
  },
  async 'confirms by token without elicitation'(connect) {
    const client = await connect();
    const sid = await send(client);
    const error = await failed(client, 'CONFIRMATION_REQUIRED', 'twilio_delete_message', { sid });
    await call(client, 'twilio_delete_message', { sid, confirm_token: error.details.confirm_token });
    await failed(client, 'TWILIO_NOT_FOUND', 'twilio_get_message', { sid });
  },
  async 'reports progress'(connect, control) {
    const client = await connect();
    await call(client, 'twilio_list_messages', { limit: 1 });
    const seen = [];
    const onprogress = ({ progress }) => seen.push(progress);
    await under(control(), { kind: 'latency', delay_ms: 400, for_ms: 30000 }, () =>
      call(client, 'twilio_list_messages', { limit: 1000 }, { onprogress }),
    );
    check(seen.length > 0, 'no progress was reported');
  },
  async 'forgets a cancelled call'(connect, control) {
    const client = await connect();
    const sid = await send(client);
    await under(control(), { kind: 'hang', for_ms: 60000 }, async () => {
      const started = Date.now();
      const signal = AbortSignal.timeout(700);
      const outcome = await client.callTool('twilio_get_message', { sid }, { signal }).then(
        () => 'came back',
        () => 'cancelled',
      );
      check(outcome === 'cancelled', 'the call came back under a fault that hangs');
      check(Date.now() - started > 600, 'the call failed before it was cancelled');
    });
    const started = Date.now();
    await call(client, 'twilio_get_message', { sid });
    check(Date.now() - started < 5000, 'the next call waited for the cancelled one');
  },
};

/** Runs every case with `connect(transport, log, {elicit})`, which gives listTools, callTool, close. */
export async function run(title, transport, connect) {
  for (const [name, body] of Object.entries(CASES)) {
    const log = join(mkdtempSync(join(tmpdir(), 'client-')), 'stderr');
    const open = [];
    const connected = async (extra = {}) => {
      const client = await connect(transport, log, extra);
      open.push(client);
      return client;
    };
    let limit;
    const late = new Promise((_, reject) => {
      limit = setTimeout(() => reject(new Error('no end within 60 s')), 60000);
    });
    try {
      await Promise.race([body(connected, () => simulators(transport, log)), late]);
      console.log(`ok ${title} over ${transport}: ${name}`);
    } catch (fault) {
      const reason = String(fault?.message ?? fault).replaceAll(/\s+/g, ' ').slice(0, 400);
      console.log(`not ok ${title} over ${transport}: ${name}: ${reason}`);
    } finally {
      clearTimeout(limit);
      await Promise.allSettled(open.map((client) => client.close()));
    }
  }
}
