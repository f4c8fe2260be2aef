-- Signed statements about the heads of the audit's chains. The digest of the newest stands in `settings` as well, under
-- `audit_checkpoint`: whoever writes the next takes it from there, so that two processes never write the same one.
CREATE TABLE checkpoints (
    number    BIGINT NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    statement TEXT   NOT NULL,
    hash      TEXT   NOT NULL
);

-- How far each chain is signed. Only a note on what is due next: what counts is what the statements say.
CREATE TABLE checkpoint_heads (
    writer TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL
);
