"""What a party written in Python does at its hop: verify, exchange, tell."""

import os
import time

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ISSUER = os.environ["ISSUER"]


class Refused(Exception):
    """A request that is refused, and how."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def verified(at: str, audience: str, authorization: str | None) -> tuple[str, dict]:
    """The token of a request and its hop, if it is ours, for this audience, and not over."""
    scheme, _, raw = (authorization or "").partition(" ")
    if scheme != "Bearer":
        raise Refused(401, "no token")
    async with httpx2.AsyncClient() as web:
        keys = KeySet.import_key_set((await web.get(f"{ISSUER}/jwks.json")).json())
    expected = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": audience}}
    registry = jwt.JWTClaimsRegistry(exp={"essential": True}, sub={"essential": True}, **expected)
    try:
        token = jwt.decode(raw, keys, algorithms=["ES256"])
        registry.validate(token.claims)
    except (JoseError, ValueError) as reason:
        raise Refused(401, f"not a token for {at}: {reason}") from reason
    if token.header.get("typ") != "at+jwt":
        raise Refused(401, "not an access token")
    return raw, told(at, token.claims)


def told(at: str, claims: dict) -> dict:
    """Prints one line (where, who acts for whom, the audience, the scope, how long) and returns it as data."""
    actors, actor = [], claims.get("act")
    while actor:
        actors.insert(0, actor["sub"].removeprefix("agent:"))
        actor = actor.get("act")
    sub = claims["sub"] if len(claims["sub"]) <= 12 else f"{claims['sub'][:11]}…"
    who, left = " → ".join([sub, *actors]), round(claims["exp"] - time.time())
    print(f"  {at:12} sees {who:55} for {claims['aud']:25} {claims['scope']}, {left} s", flush=True)
    named = ("sub", "act", "aud", "scope", "exp", "iat", "jti", "txn")
    seen = {name: claims[name] for name in named if name in claims}
    return {"at": at, **seen, "grant": claims["dlg"]["gid"]}


async def exchange(agent: AsyncOAuth2Client, token: str, resource: str, **more: str) -> str:
    """Exchanges a token that was handed over for one that is good at the next party only (RFC 8693)."""
    subject = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    url = f"{ISSUER}/token"
    answer = await agent.fetch_token(url, grant_type=EXCHANGE, **subject, resource=resource, **more)
    return answer["access_token"]
