// The second generation of the TypeScript SDK, in its three ways to agree on a protocol revision.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { answer, options, run, stdioServer } from './cases.mjs';

const MODES = { legacy: 'legacy', auto: 'auto', '2026-07-28': { pin: '2026-07-28' } };

function connector(mode) {
  return async (transport, log, { elicit }) => {
    const client = new Client(
      { name: 'client-v2', version: '1' },
      {
        capabilities: elicit ? { elicitation: { form: {} } } : {},
        versionNegotiation: { mode },
      },
    );
    if (elicit) {
      client.setRequestHandler('elicitation/create', async ({ params }) => answer(elicit, params));
    }
    await client.connect(
      transport === 'http'
        ? new StreamableHTTPClientTransport(new URL(options.url))
        : new StdioClientTransport(stdioServer(log)),
    );
    return {
      listTools: async () => (await client.listTools()).tools,
      callTool: (name, args, extra) => client.callTool({ name, arguments: args }, extra),
      close: () => client.close(),
    };
  };
}

for (const transport of ['http', 'stdio']) {
  for (const [title, mode] of Object.entries(MODES)) {
    await run(`typescript v2 ${title}`, transport, connector(mode));
  }
}
process.exit(0);
