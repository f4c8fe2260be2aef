-- What people connected at providers behind. Each record is sealed with a data key of its own (`sealed`), and that key
-- by the key-encryption key of that name (`wrapped`, `key_name`); both are bound to the row.
CREATE TABLE connections (
    user_id      TEXT   NOT NULL,
    provider     TEXT   NOT NULL,
    client       TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    account      TEXT,
    generation   BIGINT NOT NULL,
    key_name     TEXT   NOT NULL,
    wrapped      TEXT   NOT NULL,
    sealed       TEXT   NOT NULL,
    expires_at   BIGINT,
    -- 1 where the provider gives a new refresh token with each answer, or nobody knows.
    rotates      BIGINT NOT NULL,
    -- fresh, refreshing, retryable or needs_reconnect
    state        TEXT   NOT NULL,
    trouble      TEXT,
    -- Until when a refresh may take, or before when none is tried again.
    held_until   BIGINT NOT NULL DEFAULT 0,
    attempt      BIGINT NOT NULL DEFAULT 0,
    connected_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, provider)
);
CREATE INDEX connections_key_name ON connections (key_name);

-- Whom this installation is at a provider that registered it (RFC 7591).
CREATE TABLE provider_clients (
    provider      TEXT   NOT NULL,
    issuer        TEXT   NOT NULL,
    generation    BIGINT NOT NULL,
    key_name      TEXT   NOT NULL,
    wrapped       TEXT   NOT NULL,
    sealed        TEXT   NOT NULL,
    registered_at BIGINT NOT NULL,
    PRIMARY KEY (provider, issuer)
);

-- The key-encryption keys that some record needs.
CREATE TABLE vault_keys (
    name    TEXT   NOT NULL PRIMARY KEY,
    used_at BIGINT NOT NULL
);

-- Links to connect by. The link itself is sealed, so that asking again gives the same one.
CREATE TABLE connect_tickets (
    digest     TEXT   NOT NULL PRIMARY KEY,
    sealed     TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    provider   TEXT   NOT NULL,
    client     TEXT   NOT NULL,
    server     TEXT   NOT NULL,
    tool       TEXT,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX connect_tickets_user_id ON connect_tickets (user_id, provider, client);
CREATE INDEX connect_tickets_expires_at ON connect_tickets (expires_at);
