-- SPDX-License-Identifier: Apache-2.0
-- Changes that are undone unless somebody confirms them.
DO $migration$
BEGIN

-- The wanted state of before is that of the revision before. A moment of the clock on the wall, so that it holds over a
-- restart of the machine.
CREATE TABLE unconfirmed (
    node text PRIMARY KEY,
    revision bigint NOT NULL,
    principal text,
    deadline timestamptz NOT NULL
);

-- Looked at when a statement ends and not row by row, so that interfaces can exchange their ports, also in a rollback.
ALTER TABLE interface DROP CONSTRAINT interface_listen_port;
ALTER TABLE interface ADD CONSTRAINT interface_listen_port UNIQUE (node, listen_port) DEFERRABLE INITIALLY IMMEDIATE;

END $migration$;
