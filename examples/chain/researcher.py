"""The researcher: an agent with Authlib that reads notes through the gateway, over MCP.

It exchanges the token that the orchestrator hands it once, for one that is good at the notes server only, and works with
that, a topic at a time. PACE is how many seconds it thinks between two.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx2
import uvicorn
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import hop

HERE = os.environ["RESEARCHER"]
NOTES = os.environ["NOTES"]
PACE = float(os.environ.get("PACE", "0"))
KEY = ECKey.import_key(json.loads(Path(os.environ["RESEARCHER_KEY"]).read_text()))


class Brief(PrivateKeyJWT):
    """Authlib's assertion (RFC 7523), but for a minute instead of an hour."""

    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(auth.client_secret, auth.client_id, token_endpoint, alg="ES256", expires_in=60)


def me() -> AsyncOAuth2Client:
    """This agent as an OAuth client: it signs with its key."""
    agent = AsyncOAuth2Client("researcher", KEY, token_endpoint_auth_method="private_key_jwt")
    agent.register_client_auth_method(Brief(hop.ISSUER))
    return agent


class Watch(httpx2.Auth):
    """Shows the token, and remembers the status of the last refusal."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.refused: int | None = None

    def auth_flow(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        answer = yield request
        if answer.status_code in (401, 403):
            self.refused = answer.status_code


def line(says: str, **more) -> str:
    return json.dumps({"who": "researcher", "says": says, **more}) + "\n"


async def findings(token: str, seen: dict, topics: list[str]) -> AsyncIterator[str]:
    """What it finds, bit by bit; a refusal ends it."""
    yield line("I am asked to look", hop=seen)
    watch = None
    try:
        async with me() as agent:
            watch = Watch(await hop.exchange(agent, token, NOTES))
        async with Client(StreamableHttpTransport(NOTES, auth=watch)) as notes:
            for topic in topics:
                note = (await notes.call_tool("read_note", {"topic": topic})).data
                yield line(f"{topic}: “{note['text']}”", hop=note["hop"])
                cost = (await notes.call_tool("what_it_cost", {"topic": topic})).data
                yield line(f"{topic} cost {cost['total']}", hop=cost["hop"])
                await anyio.sleep(PACE)
    except AuthlibBaseError as reason:
        yield line(f"refused an exchange: {reason.error}", refused=400)
    except Exception as reason:  # the MCP client wraps a refused call in errors of its own
        status = watch and watch.refused
        yield line(f"refused a call with {status}" if status else f"failed: {reason}", refused=status or 502)


async def research(request: Request) -> Response:
    try:
        token, seen = await hop.verified("researcher", HERE, request.headers.get("authorization"))
    except hop.Refused as refused:
        return JSONResponse({"error": str(refused)}, refused.status)
    topics = (await request.json())["topics"]
    return StreamingResponse(findings(token, seen, topics), media_type="application/x-ndjson")


async def health(_request: Request) -> Response:
    return Response()


app = Starlette(routes=[Route("/research", research, methods=["POST"]), Route("/health", health)])

if __name__ == "__main__":
    sys.exit(uvicorn.run(app, host="127.0.0.1", port=urlsplit(HERE).port or 80, log_level="warning"))
