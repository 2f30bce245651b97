-- SPDX-License-Identifier: Apache-2.0
-- Numbers and names that tell no lies.
DO $migration$
BEGIN

-- Audit records are numbered without gaps, so that a missing number is a missing record: an identity column skips numbers
-- when a transaction ends without COMMIT or the server crashes. And nobody chooses a number: who may add records could else
-- slip one in among old ones, or take the numbers of records to come, which would then fail together with their changes.
-- Number 1 is the first admin's, given by hand, once.
CREATE TABLE audit_head (
    id bigint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    last bigint NOT NULL
);
INSERT INTO audit_head (last) SELECT greatest(1, max(sequence)) FROM audit;
ALTER TABLE audit ALTER COLUMN sequence DROP IDENTITY;
CREATE FUNCTION number_audit_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = wgm, pg_temp AS $$
BEGIN
    IF NEW.sequence = 1 THEN
        RETURN NEW;
    END IF;
    IF NEW.sequence IS NOT NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'audit records get their numbers from the database';
    END IF;
    UPDATE audit_head SET last = last + 1 RETURNING last INTO NEW.sequence;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_numbers BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION number_audit_record();

-- A token is revoked for the principal it belongs to: the id alone would let one principal revoke another's.
ALTER TABLE revoked_token DROP CONSTRAINT revoked_token_pkey;
ALTER TABLE revoked_token ADD PRIMARY KEY (principal, token_id);

-- Interfaces get random numbers, so that a link says which database made it.
DROP SEQUENCE interface_id;

END $migration$;
