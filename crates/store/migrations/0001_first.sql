-- Both engines read this text: TEXT and BIGINT only, moments in Unix milliseconds, JSON and base64url as text.

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    name_key    TEXT   NOT NULL UNIQUE,
    password    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE throttle (
    subject    TEXT   NOT NULL PRIMARY KEY,
    failures   BIGINT NOT NULL,
    open_at    BIGINT NOT NULL,
    forgive_at BIGINT NOT NULL
);
CREATE INDEX throttle_forgive_at ON throttle (forgive_at);

CREATE TABLE sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    digest     TEXT   NOT NULL UNIQUE,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time  BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    agent      TEXT   NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- A registered client is its own client_id; a row appears when somebody first lets it act.
CREATE TABLE clients (
    digest        TEXT   NOT NULL PRIMARY KEY,
    body          TEXT   NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE requests (
    digest     TEXT   NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL,
    browser    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX requests_expires_at ON requests (expires_at);

-- The one place where liveness lives: revoking a grant is one write to its row.
CREATE TABLE grants (
    id            TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL,
    client        TEXT   NOT NULL,
    approval      TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    activated_at  BIGINT,
    last_used_at  BIGINT,
    revoked_at    BIGINT,
    revoke_reason TEXT
);
CREATE INDEX grants_user_id ON grants (user_id);
CREATE INDEX grants_client ON grants (client);
CREATE INDEX grants_expires_at ON grants (expires_at);

CREATE TABLE codes (
    digest      TEXT   NOT NULL PRIMARY KEY,
    grant_id    TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    body        TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    redeemed_at BIGINT
);
CREATE INDEX codes_grant_id ON codes (grant_id);
CREATE INDEX codes_expires_at ON codes (expires_at);

-- `parent` is unique: two successors of one token cannot both be written, whatever the code above does.
CREATE TABLE refresh_tokens (
    digest          TEXT   NOT NULL PRIMARY KEY,
    grant_id        TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    generation      BIGINT NOT NULL,
    parent          TEXT   UNIQUE,
    issued_at       BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT,
    sealed_response TEXT
);
CREATE INDEX refresh_tokens_grant_id ON refresh_tokens (grant_id);

CREATE TABLE access_tokens (
    jti        TEXT   NOT NULL PRIMARY KEY,
    grant_id   TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    parent     TEXT,
    hop        BIGINT NOT NULL,
    actor      TEXT,
    audience   TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX access_tokens_grant_id ON access_tokens (grant_id);
CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at);

CREATE TABLE signing_keys (
    kid        TEXT   NOT NULL PRIMARY KEY,
    alg        TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    public     TEXT   NOT NULL,
    pkcs8      TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (alg) WHERE state = 'active';

-- One row per writer (a lane of one process in one life): the heads of what it wrote.
CREATE TABLE writers (
    id         TEXT   NOT NULL PRIMARY KEY,
    audit_seq  BIGINT NOT NULL,
    audit_hash TEXT   NOT NULL,
    feed_seq   BIGINT NOT NULL,
    written_at BIGINT NOT NULL
);

CREATE TABLE audit (
    writer         TEXT   NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    correlation    TEXT,
    user_id        TEXT,
    client         TEXT,
    grant_id       TEXT,
    transaction_id TEXT,
    body           TEXT   NOT NULL,
    prev_hash      TEXT   NOT NULL,
    hash           TEXT   NOT NULL,
    PRIMARY KEY (writer, seq)
);
CREATE INDEX audit_at ON audit (at, writer, seq);
CREATE INDEX audit_correlation ON audit (correlation);
CREATE INDEX audit_grant_id ON audit (grant_id);

CREATE TABLE feed (
    writer  TEXT   NOT NULL,
    seq     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    PRIMARY KEY (writer, seq)
);
CREATE INDEX feed_at ON feed (at);
