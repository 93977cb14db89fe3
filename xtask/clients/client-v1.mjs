// The first generation of the TypeScript SDK, which most hosts embed and which is the strictest
// about results that do not match a tool's output schema.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

import { answer, options, run, stdioServer } from './cases.mjs';

async function connect(transport, log, { elicit }) {
  const capabilities = elicit ? { elicitation: {} } : {};
  const client = new Client({ name: 'client-v1', version: '1' }, { capabilities });
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => answer(elicit, params));
  }
  await client.connect(
    transport === 'http'
      ? new StreamableHTTPClientTransport(new URL(options.url))
      : new StdioClientTransport(stdioServer(log)),
  );
  return {
    listTools: async () => (await client.listTools()).tools,
    callTool: async (name, args, extra) => {
      // It checks results against the output schemas of the tools it has listed.
      await client.listTools();
      return client.callTool({ name, arguments: args }, undefined, extra);
    },
    close: () => client.close(),
  };
}

for (const transport of ['http', 'stdio']) {
  await run('typescript v1', transport, connect);
}
process.exit(0);
