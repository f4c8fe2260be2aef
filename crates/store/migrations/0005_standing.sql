-- When an account or a client was last disabled or enabled. The moment only moves forward, so that whoever hears of two
-- changes in the wrong order still knows which was the later.
ALTER TABLE users ADD COLUMN standing_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN standing_at BIGINT NOT NULL DEFAULT 0;
