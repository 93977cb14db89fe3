"""Drives the server with the Python MCP client: three generations over HTTP and over stdio.

Prints one line a case, `ok ...` or `not ok ...`; the chore that starts it counts them.
"""

import argparse
import contextlib
import json
import logging
import os
import re
import tempfile
import time
import urllib.request

import anyio
import mcp.types as types
from mcp import Client, StdioServerParameters

FROM, TO = "+15005550006", "+14155552345"
NOBODY = "SM" + "0" * 32
MODES = ["legacy", "auto", "2026-07-28"]


class Server:
    """How one connection is made, and where its simulators are."""

    def __init__(self, options, mode, transport):
        self.mode, self.transport, self.options = mode, transport, options
        self.log = os.path.join(tempfile.mkdtemp(), "stderr")

    def target(self):
        if self.transport == "http":
            return self.options.url
        # A shell keeps the error output, which says where the simulators are.
        return StdioServerParameters(
            command="sh",
            args=["-c", 'exec "$0" stdio --sandbox 2>>"$1"', self.options.binary, self.log],
        )

    def client(self, elicit=None):
        async def answer(_context, params):
            if elicit == "decline":
                return types.ElicitResult(action="decline")
            fields = (params.requested_schema or {}).get("properties", {})
            content = {name: True for name, field in fields.items() if field.get("type") == "boolean"}
            return types.ElicitResult(action="accept", content=content)

        callback = {"elicitation_callback": answer} if elicit else {}
        return Client(self.target(), mode=self.mode, read_timeout_seconds=30, **callback)

    def simulators(self):
        if self.transport == "http":
            return self.options.sandbox
        with open(self.log, encoding="utf-8") as log:
            found = re.findall(r"sandbox: (http://[0-9.:]+)", log.read())
        assert found, "the server did not say on stderr where its simulators are"
        return found[-1]

    @contextlib.asynccontextmanager
    async def fault(self, **fault):
        control = self.simulators() + "/_sandbox/faults"

        def send(method, body=None):
            request = urllib.request.Request(
                control,
                method=method,
                data=body and json.dumps(body).encode(),
                headers={"content-type": "application/json"},
            )
            urllib.request.urlopen(request, timeout=5).close()

        await anyio.to_thread.run_sync(send, "POST", {"provider": "twilio", **fault})
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(send, "DELETE")


async def call(client, tool, **arguments):
    """A call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, f"{tool} failed: {result.content[0].text}"
    assert result.structured_content is not None, f"{tool} has no structured content"
    return result.structured_content


async def failed(client, code, tool, **arguments):
    """A call that must fail with this code; the answer is the error object."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, f"{tool} should have failed with {code}"
    error = json.loads(result.content[0].text)["error"]
    assert error["code"] == code, f"{error['code']} instead of {code}: {error['message']}"
    assert error.get("hint"), f"{code} has no hint"
    return error


async def send(client, body="Hello"):
    return (await call(client, "twilio_send_message", to=TO, **{"from": FROM}, body=body))["sid"]


async def lists_tools(server):
    async with server.client() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert "twilio_send_message" in names and "twilio_list_messages" in names, names
    assert len(names) == len(set(names)), "a name is there twice"


async def sends_a_message(server):
    async with server.client() as client:
        sid = await send(client)
        assert re.fullmatch("SM[0-9a-f]{32}", sid), sid
        assert (await call(client, "twilio_get_message", sid=sid))["sid"] == sid


async def follows_pages(server):
    async with server.client() as client:
        for number in range(3):
            await send(client, f"page {number}")
        first = await call(client, "twilio_list_messages", limit=2)
        assert len(first["items"]) == 2 and first["next_cursor"], first
        second = await call(client, "twilio_list_messages", limit=2, cursor=first["next_cursor"])
        seen = {item["sid"] for item in first["items"]}
        assert second["items"] and not seen & {item["sid"] for item in second["items"]}


async def names_what_is_not_there(server):
    async with server.client() as client:
        error = await failed(client, "TWILIO_NOT_FOUND", "twilio_get_message", sid=NOBODY)
        assert error["details"]["provider"] == "twilio", error


async def refuses_bad_arguments(server):
    async with server.client() as client:
        await failed(client, "INVALID_ARGUMENTS", "twilio_send_message", to=7, body="Hello", colour="red")


async def deletes_when_the_person_agrees(server):
    async with server.client(elicit="accept") as client:
        sid = await send(client)
        await call(client, "twilio_delete_message", sid=sid)
        await failed(client, "TWILIO_NOT_FOUND", "twilio_get_message", sid=sid)


async def keeps_when_the_person_declines(server):
    async with server.client(elicit="decline") as client:
        sid = await send(client)
        await failed(client, "CONFIRMATION_DECLINED", "twilio_delete_message", sid=sid)
        await call(client, "twilio_get_message", sid=sid)


async def confirms_by_token_without_elicitation(server):
    async with server.client() as client:
        sid = await send(client)
        error = await failed(client, "CONFIRMATION_REQUIRED", "twilio_delete_message", sid=sid)
        token = error["details"]["confirm_token"]
        await call(client, "twilio_delete_message", sid=sid, confirm_token=token)
        await failed(client, "TWILIO_NOT_FOUND", "twilio_get_message", sid=sid)


async def reports_progress(server):
    seen = []

    async def progress(done, _total, _message):
        seen.append(done)

    async with server.client() as client:
        await call(client, "twilio_list_messages", limit=1)
        async with server.fault(kind="latency", delay_ms=400, for_ms=30000):
            result = await client.call_tool(
                "twilio_list_messages", {"limit": 1000}, progress_callback=progress
            )
    assert not result.is_error, result.content[0].text
    assert seen, "no progress was reported"
    assert seen == sorted(seen), f"progress went back: {seen}"


async def forgets_a_cancelled_call(server):
    async with server.client() as client:
        sid = await send(client)
        async with server.fault(kind="hang", for_ms=60000):
            with anyio.move_on_after(0.7) as scope:
                await client.call_tool("twilio_get_message", {"sid": sid})
            assert scope.cancelled_caught, "the call came back under a fault that hangs"
        started = time.monotonic()
        assert (await call(client, "twilio_get_message", sid=sid))["sid"] == sid
        assert time.monotonic() - started < 5, "the next call waited for the cancelled one"


CASES = [
    lists_tools,
    sends_a_message,
    follows_pages,
    names_what_is_not_there,
    refuses_bad_arguments,
    deletes_when_the_person_agrees,
    keeps_when_the_person_declines,
    confirms_by_token_without_elicitation,
    reports_progress,
    forgets_a_cancelled_call,
]


def reason(fault):
    """The innermost fault, in one line."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return " ".join(f"{type(fault).__name__}: {fault}".split())[:400]


async def main(options):
    for transport in ["http", "stdio"]:
        for mode in MODES:
            for case in CASES:
                name = f"python {mode} over {transport}: {case.__name__.replace('_', ' ')}"
                try:
                    with anyio.fail_after(60):
                        await case(Server(options, mode, transport))
                    print(f"ok {name}", flush=True)
                except Exception as fault:  # noqa: BLE001 one case must not stop the others
                    print(f"not ok {name}: {reason(fault)}", flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("--binary", required=True)
    anyio.run(main, parser.parse_args())
