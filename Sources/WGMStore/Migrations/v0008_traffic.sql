-- SPDX-License-Identifier: Apache-2.0
-- What peers have sent and received in all their life.
DO $migration$
BEGIN

-- By name and not by number: a rollback makes peers anew, and they go on counting.
CREATE TABLE traffic (
    interface bigint NOT NULL REFERENCES interface ON DELETE CASCADE,
    peer text NOT NULL,
    -- Whose counters in the kernel were counted up to where.
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    counted_received bigint NOT NULL,
    counted_sent bigint NOT NULL,
    received bigint NOT NULL,
    sent bigint NOT NULL,
    last_handshake timestamptz,
    PRIMARY KEY (interface, peer)
);

END $migration$;
