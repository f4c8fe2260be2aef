-- Who a federated account is elsewhere: known by issuer and subject together, never by name or e-mail.
CREATE TABLE upstream_identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    provider   TEXT   NOT NULL,
    email      TEXT,
    member_of  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- Sign-ins under way at a provider: `digest` is of the `state`, `body` is sealed, and whoever deletes the row goes on.
CREATE TABLE upstream_logins (
    digest     TEXT   NOT NULL PRIMARY KEY,
    browser    TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX upstream_logins_expires_at ON upstream_logins (expires_at);
