"""The official Python SDK as an MCP client that stands on its own.

    python.py URL [--browser]

It discovers, registers, logs in with PKCE and calls tools, all by the SDK.
Events leave as JSON lines on stdout (see ../README.md); after `ready` each line
on stdin is one command. With --browser the authorization URL is left to a
person; without it, redirects are followed here, as --dev-approve allows.
"""

import base64
import json
import sys
import traceback
from urllib.parse import parse_qs, urljoin, urlsplit

import anyio
import anyio.to_thread
import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

URL = sys.argv[1]
BROWSER = "--browser" in sys.argv[2:]
TRAIL: list[dict] = []


def say(event: str, **facts) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


def taken() -> list[dict]:
    steps = TRAIL[:]
    TRAIL.clear()
    return steps


def claims_of(token: str) -> dict | None:
    """A token's payload, for the test to look at; None for an opaque one."""
    _, dot, rest = token.partition(".")
    payload = rest.partition(".")[0]
    if not dot:
        return None
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class LoginNeeded(Exception):
    """The SDK wants a second login; whether it gets one is the test's business."""


class Keeper:
    """What the SDK asks its host application to keep."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens
        claims = claims_of(tokens.access_token)
        say("token", scope=tokens.scope, expires_in=tokens.expires_in, claims=claims)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Callback:
    """Where the answer to a login arrives: a loopback listener of one request."""

    PAGE = b"<!doctype html><title>Done</title><h1>Done</h1><p>Go back to your client."

    def __init__(self, listener) -> None:
        self.listener = listener
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        self.url = f"http://127.0.0.1:{port}/callback"

    async def arrived(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        with anyio.CancelScope() as scope:

            async def answer(stream) -> None:
                async with stream:
                    line = (await stream.receive()).split(b"\r\n")[0].decode()
                    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(self.PAGE)}\r\n"
                    await stream.send(head.encode() + b"connection: close\r\n\r\n" + self.PAGE)
                target = urlsplit(line.split(" ")[1])
                if target.path == "/callback":
                    found.update(parse_qs(target.query))
                    scope.cancel()

            await self.listener.serve(answer)
        return found


async def follow_to_callback(start: str, redirect_uri: str) -> dict[str, list[str]]:
    """Follows redirects as a browser without a person would, up to the callback."""
    async with httpx2.AsyncClient() as browser:
        here = start
        for _ in range(10):
            answer = await browser.get(here)
            location = answer.headers.get("location")
            if location is None:
                raise RuntimeError(f"login stopped at {urlsplit(here).path} with {answer.status_code}")
            here = urljoin(here, location)
            if here.startswith(redirect_uri):
                return parse_qs(urlsplit(here).query)
    raise RuntimeError("login went in circles")


class Person:
    """Takes the authorization URL to the login and brings the answer back."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback
        self.url = ""
        self.logged_in = False

    async def redirect(self, url: str) -> None:
        if self.logged_in:
            raise LoginNeeded("the client would have to log in again")
        self.url = url
        say("challenged", trail=taken())
        say("authorize", url=url)

    async def answer(self) -> AuthorizationCodeResult:
        if BROWSER:
            found = await self.callback.arrived()
        else:
            found = await follow_to_callback(self.url, self.callback.url)
        first = {name: values[0] for name, values in found.items()}
        say("callback", iss=first.get("iss"), error=first.get("error"))
        if "error" in first:
            raise RuntimeError(f"login refused: {first['error']}")
        self.logged_in = True
        return AuthorizationCodeResult(code=first["code"], state=first.get("state"), iss=first.get("iss"))


async def watch(answer: httpx2.Response) -> None:
    """Leaves behind what was asked and answered."""
    request = answer.request
    step = {"method": request.method, "path": request.url.path, "status": answer.status_code}
    if challenge := answer.headers.get("www-authenticate"):
        step["challenge"] = challenge
    if answer.status_code == 400 and request.url.path == "/token":
        step["error"] = json.loads(await answer.aread()).get("error")
    TRAIL.append(step)


async def tools(client: Client, _command: dict, _keeper: Keeper) -> dict:
    names: list[str] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        names.extend(tool.name for tool in page.tools)
        cursor = page.next_cursor
        if cursor is None:
            return {"names": names}


async def call(client: Client, command: dict, _keeper: Keeper) -> dict:
    result = await client.call_tool(command["tool"], command.get("arguments", {}))
    text = [part.text for part in result.content if part.type == "text"]
    return {"tool": command["tool"], "isError": bool(result.is_error), "text": "\n".join(text), "meta": result.meta}


async def revoke(_client: Client, _command: dict, keeper: Keeper) -> dict:
    assert keeper.tokens and keeper.client
    issuer = claims_of(keeper.tokens.access_token)["iss"]
    async with httpx2.AsyncClient() as web:
        metadata = (await web.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
        form = {"token": keeper.tokens.refresh_token, "client_id": keeper.client.client_id}
        answer = await web.post(metadata["revocation_endpoint"], data=form)
    return {"status": answer.status_code}


COMMANDS = {"tools": tools, "call": call, "revoke": revoke}


def refused(command: dict, reason: BaseException) -> None:
    steps = taken()
    # The status the server gave to the call itself; what follows is the SDK's own way out.
    path = urlsplit(URL).path
    asked = (step for step in steps if step["method"] == "POST" and step["path"] == path)
    status = next((step["status"] for step in asked), None)
    say("refused", id=command["id"], do=command["do"], status=status, reason=str(reason), trail=steps)


async def converse(client: Client, keeper: Keeper, pending: list[dict]) -> None:
    server = client.server_info
    say("connected", server=server and server.name, revision=client.protocol_version, trail=taken())
    say("ready")
    while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
        command = json.loads(line)
        pending[:] = [command]
        try:
            with anyio.fail_after(60):
                facts = await COMMANDS[command["do"]](client, command, keeper)
            say(command["do"], id=command["id"], **facts, trail=taken())
        except Exception as reason:  # whatever the SDK makes of a refusal is the finding
            refused(command, reason)
        pending.clear()


async def talk(provider: OAuthClientProvider, keeper: Keeper) -> None:
    """One connection. A login that the SDK wants and does not get tears it down."""
    pending: list[dict] = []
    try:
        async with httpx2.AsyncClient(auth=provider, timeout=60, event_hooks={"response": [watch]}) as web:
            async with Client(streamable_http_client(URL, http_client=web)) as client:
                await converse(client, keeper, pending)
    except Exception as reason:
        if not pending:
            raise
        refused(pending[0], reason)


def provider_for(keeper: Keeper, callback: Callback) -> OAuthClientProvider:
    person = Person(callback)
    metadata = {
        "client_name": "Bailiwick interop (Python)",
        "redirect_uris": [callback.url],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
    return OAuthClientProvider(
        server_url=URL,
        client_metadata=OAuthClientMetadata.model_validate(metadata),
        storage=keeper,
        redirect_handler=person.redirect,
        callback_handler=person.answer,
    )


async def main() -> None:
    keeper = Keeper()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        await talk(provider_for(keeper, Callback(listener)), keeper)
    say("end")


if __name__ == "__main__":
    try:
        anyio.run(main)
    except BaseException:  # an exception group has its reasons inside
        say("failed", reason=traceback.format_exc(), trail=taken())
        sys.exit(1)
