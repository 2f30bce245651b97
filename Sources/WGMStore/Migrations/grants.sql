-- SPDX-License-Identifier: Apache-2.0
-- Runs after the migrations, each time: what the daemon's own role may do, where there is one besides the owner.
DO $grants$
BEGIN
IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'wgmd' AND rolname <> current_user) THEN
    GRANT USAGE ON SCHEMA wgm TO wgmd;
    GRANT SELECT ON ALL TABLES IN SCHEMA wgm TO wgmd;
    GRANT INSERT, UPDATE, DELETE
        ON node, interface, peer, allocation, principal, principal_role, revoked_token, issued_token, call_key,
            unconfirmed, traffic, given_back TO wgmd;
    GRANT UPDATE ON head TO wgmd;
    GRANT INSERT ON revision, audit, history TO wgmd;
END IF;
END $grants$;
