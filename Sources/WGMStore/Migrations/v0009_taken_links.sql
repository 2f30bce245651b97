-- SPDX-License-Identifier: Apache-2.0
-- Links that were there before wgm took them over, so that undoing that gives them back.
DO $migration$
BEGIN

-- The revision of the import; nobody can say so of those of before this.
ALTER TABLE interface ADD COLUMN link_taken bigint;

-- Interfaces that are gone and whose links go on. No foreign key: there is no row that it could point to.
CREATE TABLE given_back (interface bigint PRIMARY KEY);

END $migration$;
