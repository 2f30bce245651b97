-- SPDX-License-Identifier: Apache-2.0
-- Which key of an interface the kernel was last seen with, and since when. Not history: a rollback leaves it alone.
ALTER TABLE interface
    ADD COLUMN seen_key bytea CHECK (octet_length(seen_key) = 32),
    ADD COLUMN seen_key_since timestamptz,
    ADD CONSTRAINT interface_seen_key CHECK ((seen_key IS NULL) = (seen_key_since IS NULL));
