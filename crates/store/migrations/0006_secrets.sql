-- Secrets of servers behind the gateway, sealed under the master key and bound to their row.

CREATE TABLE secrets (
    name    TEXT   NOT NULL PRIMARY KEY,
    owner   TEXT   NOT NULL,
    sealed  TEXT   NOT NULL,
    kept_at BIGINT NOT NULL
);
CREATE INDEX secrets_owner ON secrets (owner);
