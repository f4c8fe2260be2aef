"""The notes: a FastMCP server behind the gateway.

FastMCP's own verifier checks the token that the gateway shows it, so nobody gets past the gateway. To say what something
cost, it exchanges that token, as the agent `notes-mcp`, for one that is good at the ledger only.
"""

import os
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token
from starlette.requests import Request
from starlette.responses import Response

import hop

HERE = os.environ["NOTES_UPSTREAM"]
LEDGER = os.environ["LEDGER"]
NOTES = {
    "garden": "New beds along the wall. Paid in spring.",
    "roof": "Forty tiles and two days of work.",
    "party": "Lemonade, mostly.",
}

verifier = JWTVerifier(jwks_uri=f"{hop.ISSUER}/jwks.json", issuer=hop.ISSUER, audience=HERE, algorithm="ES256")
server = FastMCP("Notes", auth=verifier)


def me() -> AsyncOAuth2Client:
    """This agent as an OAuth client."""
    return AsyncOAuth2Client("notes-mcp", os.environ["NOTES_SECRET"], token_endpoint_auth_method="client_secret_basic")


def shown() -> tuple[str, dict]:
    """The token that the gateway shows with this call, and its hop."""
    token = get_access_token()
    assert token is not None, "the verifier lets nobody in without one"
    return token.token, hop.told("notes-mcp", token.claims)


@server.tool(annotations={"readOnlyHint": True})
def list_notes() -> list[str]:
    """The topics there are notes on."""
    shown()
    return list(NOTES)


@server.tool(annotations={"readOnlyHint": True})
def read_note(topic: str) -> dict:
    """The note on a topic."""
    _, seen = shown()
    return {"text": NOTES.get(topic, "nothing noted"), "hop": seen}


@server.tool(annotations={"readOnlyHint": True})
async def what_it_cost(topic: str) -> dict:
    """What the ledger says a topic cost."""
    token, _ = shown()
    async with me() as agent:
        next_token = await hop.exchange(agent, token, LEDGER, scope="ledger:read")
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {next_token}"}) as web:
        answer = await web.get(f"{LEDGER}/{topic}")
        answer.raise_for_status()
    return answer.json()


@server.custom_route("/health", methods=["GET"])
async def health(_request: Request) -> Response:
    return Response()


if __name__ == "__main__":
    where = urlsplit(HERE)
    quiet = {"log_level": "warning"}
    server.run(
        "http", host="127.0.0.1", port=where.port, path=where.path, show_banner=False, uvicorn_config=quiet
    )
