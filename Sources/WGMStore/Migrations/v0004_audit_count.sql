-- SPDX-License-Identifier: Apache-2.0
-- One audit record for many equal calls: how many they were, and when the last was.
DO $migration$
BEGIN

ALTER TABLE audit ADD COLUMN count bigint NOT NULL DEFAULT 1 CHECK (count > 0);
ALTER TABLE audit ADD COLUMN last_time timestamptz;

END $migration$;
