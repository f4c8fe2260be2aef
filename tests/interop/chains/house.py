"""A running Bailiwick for one random house, and what is asked of it over HTTP."""

import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from chains.model import ACCESS_TOKEN, Asked
from chains.world import World, toml, variable

ROOT = Path(__file__).resolve().parents[3]
BINARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "bailiwick"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CALLBACK = "http://127.0.0.1/callback"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class House:
    """A process with a directory of its own; both are gone at the end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.place = tempfile.TemporaryDirectory(prefix="bailiwick-chains-")
        file = Path(self.place.name) / "bailiwick.toml"
        file.write_text(toml(world))
        where = urlsplit(world.issuer).netloc
        command = [BINARY, "serve", "--config", file, "--data", f"{self.place.name}/data", "--listen", where]
        command += ["--metrics", "off", "--dev-approve", world.user]
        named = [*world.agents, *(door.name for door in world.doors.values() if door.secret)]
        env = {**os.environ, **{variable(name): world.secret(name) for name in named}, "BAILIWICK_LOG": "warn"}
        self.log = open(f"{self.place.name}/log", "w+")
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)
        self.web = HTTPConnection(where, timeout=30)

    def __enter__(self) -> "House":
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_reason) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.place.cleanup()

    def _wait(self) -> None:
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                if self._ask("GET", "/readyz")[0] == 200:
                    self.keys = jwt.PyJWKSet.from_dict(json.loads(self._ask("GET", "/jwks.json")[2]))
                    return
            except OSError:
                self.web.close()
            time.sleep(0.1)
        self.log.seek(0)
        raise RuntimeError(f"bailiwick does not start:\n{self.log.read()}\n{toml(self.world)}")

    def _ask(self, method: str, path: str, form: dict | None = None, headers: dict | None = None):
        body = urlencode(form, doseq=True) if form else None
        head = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        self.web.request(method, path, body, {**head, **(headers or {})})
        answer = self.web.getresponse()
        return answer.status, answer.headers, answer.read()

    # ------------------------------------------------------------ tokens

    def claims(self, token: str, audience: str) -> dict:
        """A token's claims, as its audience would believe them."""
        key = self.keys[jwt.get_unverified_header(token)["kid"]]
        needs = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "txn"]
        options = {"require": needs}
        # An integer past the second of our own clock is no fault of the token's.
        return jwt.decode(token, key, ["ES256"], options, audience=audience, issuer=self.world.issuer, leeway=2)

    def front(self, door: str, resource: str, scope: set[str]) -> str | None:
        """A token of the front door, by code and PKCE; none where the user may hold nothing of it."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": door,
            "redirect_uri": CALLBACK,
            "resource": resource,
            "scope": " ".join(sorted(scope)),
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        status, headers, body = self._ask("GET", f"/authorize?{urlencode(query)}")
        back = urlsplit(headers.get("location", ""))
        code = parse_qs(back.query).get("code") if back.path == "/callback" else None
        if code is None:
            if status == 302 or status == 303:
                return None
            raise RuntimeError(f"/authorize answers {status}: {body[:2000]!r}")
        form = {"grant_type": "authorization_code", "code": code[0], "code_verifier": verifier}
        form |= {"redirect_uri": CALLBACK, "resource": resource}
        answer = self.token(door, form)
        return answer["access_token"]

    def alone(self, agent: str, resource: str) -> dict:
        """A token on an agent's own account."""
        return self.token(agent, {"grant_type": "client_credentials", "resource": resource})

    def exchange(self, asked: Asked) -> dict:
        """The answer to an exchange, error or not."""
        form = {"grant_type": EXCHANGE, "subject_token": asked.token, "subject_token_type": asked.subject_type}
        form |= {"audience": asked.target} if asked.target else {}
        form |= {"resource": asked.resource} if asked.resource else {}
        form |= {"scope": " ".join(sorted(asked.scope))} if asked.scope is not None else {}
        form |= {"requested_token_type": asked.requested_type} if asked.requested_type else {}
        form |= {"actor_token": asked.actor[0], "actor_token_type": ACCESS_TOKEN} if asked.actor else {}
        return self.token(asked.client, {**form, **asked.more})

    def token(self, client: str, form: dict) -> dict:
        """The token endpoint, as that client."""
        door = self.world.doors.get(client)
        if door and not door.secret:
            _, _, body = self._ask("POST", "/token", {**form, "client_id": client})
        else:
            pair = f"{urlencode({'': client})[1:]}:{urlencode({'': self.world.secret(client)})[1:]}"
            headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
            _, _, body = self._ask("POST", "/token", form, headers)
        return json.loads(body)
