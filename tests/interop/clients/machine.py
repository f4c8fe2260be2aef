"""The official Python SDK as a machine that signs assertions (it uses PyJWT).

    machine.py URL CLIENT_ID KEY_FILE ALGORITHM

KEY_FILE is a PKCS#8 private key in PEM. One JSON line tells what came of it.
"""

import json
import sys
import traceback
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider, SignedJWTParameters
from mcp.client.streamable_http import streamable_http_client

URL, CLIENT_ID, KEY_FILE, ALGORITHM = sys.argv[1:]
SENT: list[dict] = []


class Keeper:
    """What the SDK asks its host application to keep: the tokens of this run."""

    def __init__(self) -> None:
        self.tokens = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens) -> None:
        self.tokens = tokens

    async def get_client_info(self):
        return None

    async def set_client_info(self, client_info) -> None:
        raise RuntimeError("this machine is known beforehand and registers nowhere")


async def watch(answer: httpx2.Response) -> None:
    """Remembers the token requests and what they got."""
    if answer.request.url.path == "/token":
        SENT.append({"form": answer.request.content.decode(), "status": answer.status_code})


async def main() -> dict:
    key = Path(KEY_FILE).read_text()
    signing = SignedJWTParameters(issuer=CLIENT_ID, subject=CLIENT_ID, signing_key=key, signing_algorithm=ALGORITHM)
    provider = PrivateKeyJWTOAuthProvider(
        server_url=URL,
        storage=Keeper(),
        client_id=CLIENT_ID,
        assertion_provider=signing.create_assertion_provider(),
        issuer="{0.scheme}://{0.netloc}".format(urlsplit(URL)),
    )
    async with httpx2.AsyncClient(auth=provider, timeout=60, event_hooks={"response": [watch]}) as web:
        async with Client(streamable_http_client(URL, http_client=web)) as client:
            result = await client.call_tool("echo", {"message": "hello"})
    return {"event": "done", "text": "".join(part.text for part in result.content if part.type == "text")}


if __name__ == "__main__":
    try:
        told = anyio.run(main)
    except BaseException:  # an exception group has its reasons inside
        told = {"event": "failed", "reason": traceback.format_exc()}
    print(json.dumps({**told, "sent": SENT}), flush=True)
