-- SPDX-License-Identifier: Apache-2.0
-- Tokens that were issued for programs, until they end: whose they are, so that one can be listed and revoked by its id.
DO $migration$
BEGIN

CREATE TABLE issued_token (
    token_id text PRIMARY KEY CHECK (octet_length(token_id) BETWEEN 1 AND 64),
    principal bigint NOT NULL REFERENCES principal ON DELETE CASCADE,
    issuer text NOT NULL,
    issued timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    uid bigint CHECK (uid BETWEEN 0 AND 4294967294),
    certificate bytea CHECK (octet_length(certificate) = 32),
    -- Each a resource pattern, a space, and verbs between commas.
    grants text[] NOT NULL
);
CREATE INDEX issued_token_principal ON issued_token (principal);

END $migration$;
