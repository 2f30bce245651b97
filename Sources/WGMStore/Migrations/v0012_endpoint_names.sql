-- SPDX-License-Identifier: Apache-2.0
-- Endpoints that are names, looked up by wgmd.
DO $migration$
BEGIN

ALTER TABLE peer
    ADD COLUMN endpoint_name text CHECK (length(endpoint_name) BETWEEN 1 AND 253),
    ADD CONSTRAINT peer_endpoint CHECK (endpoint_name IS NULL
        OR (endpoint_address IS NULL AND endpoint_port IS NOT NULL AND endpoint_zone IS NULL));

-- What is not there is not named, so that states of before compare equal.
CREATE OR REPLACE VIEW peer_state AS
SELECT p.id, n.name AS node, i.name AS interface, p.name AS peer, jsonb_build_object(
    'public_key', encode(p.public_key, 'base64'), 'enabled', p.enabled,
    'endpoint_address', host(p.endpoint_address), 'endpoint_port', p.endpoint_port, 'endpoint_zone', p.endpoint_zone,
    'keepalive_s', p.keepalive, 'comment', p.comment, 'created', p.created,
    'addresses', to_jsonb(ARRAY(
        SELECT host(a.prefix) FROM allocation a WHERE a.peer = p.id AND NOT a.routed ORDER BY a.id)),
    'routed', to_jsonb(ARRAY(
        SELECT a.prefix::text FROM allocation a WHERE a.peer = p.id AND a.routed ORDER BY a.id))
) || CASE WHEN p.sealed_preshared_key IS NULL THEN '{}'::jsonb ELSE jsonb_build_object(
    'sealed_preshared_key', encode(p.sealed_preshared_key, 'hex'),
    'preshared_key', 'set (' || encode(substring(p.sealed_preshared_key FROM 78 FOR 4), 'hex') || ')'
) END || jsonb_strip_nulls(jsonb_build_object(
    'valid_from', p.valid_from, 'valid_until', p.valid_until, 'endpoint_name', p.endpoint_name)) AS state
FROM peer p JOIN interface i ON i.id = p.interface JOIN node n ON n.id = i.node;

-- As before, with the name; peers by a function of their own.
CREATE FUNCTION put_back_peers(node_id bigint, rolled difference[], new_revision bigint) RETURNS void
LANGUAGE plpgsql SET search_path = wgm, pg_temp AS $$
BEGIN
    INSERT INTO peer (interface, name, public_key, enabled, endpoint_address, endpoint_name, endpoint_port, endpoint_zone,
                      keepalive, comment, sealed_preshared_key, valid_from, valid_until, created, revision)
    SELECT i.id, r.peer, decode(r.past ->> 'public_key', 'base64'), (r.past ->> 'enabled')::boolean,
           (r.past ->> 'endpoint_address')::inet, r.past ->> 'endpoint_name', (r.past ->> 'endpoint_port')::bigint,
           (r.past ->> 'endpoint_zone')::bigint, (r.past ->> 'keepalive_s')::bigint, r.past ->> 'comment',
           decode(r.past ->> 'sealed_preshared_key', 'hex'), (r.past ->> 'valid_from')::timestamptz,
           (r.past ->> 'valid_until')::timestamptz,
           (r.past ->> 'created')::timestamptz, new_revision
    FROM unnest(rolled) r JOIN interface i ON i.node = node_id AND i.name = r.interface
    WHERE r.peer <> '' AND r.past IS NOT NULL ORDER BY i.id, r.peer;
    INSERT INTO allocation (interface, peer, prefix, routed)
    SELECT i.id, p.id, a.prefix::cidr, a.routed
    FROM unnest(rolled) r JOIN interface i ON i.node = node_id AND i.name = r.interface
        JOIN peer p ON p.interface = i.id AND p.name = r.peer,
        LATERAL (
            SELECT address AS prefix, false AS routed, place
            FROM jsonb_array_elements_text(r.past -> 'addresses') WITH ORDINALITY AS own (address, place)
            UNION ALL SELECT prefix, true, place
            FROM jsonb_array_elements_text(r.past -> 'routed') WITH ORDINALITY AS behind (prefix, place)
        ) a
    WHERE r.peer <> '' AND r.past IS NOT NULL ORDER BY p.id, a.routed, a.place;
END $$;

CREATE OR REPLACE FUNCTION roll_back(wanted_node text, target bigint, new_revision bigint) RETURNS void
LANGUAGE plpgsql SET search_path = wgm, pg_temp AS $$
DECLARE
    node_id CONSTANT bigint := (SELECT n.id FROM node n WHERE n.name = wanted_node);
    rolled difference[];
BEGIN
    SELECT array_agg(ROW(coalesce(past.interface, present.interface), coalesce(past.peer, present.peer),
                         past.state, present.state)::difference)
    INTO rolled FROM state_at(wanted_node, target) past
    FULL JOIN state_at(wanted_node, new_revision) present
        ON present.interface = past.interface AND present.peer = past.peer
    WHERE past.state IS DISTINCT FROM present.state;

    DELETE FROM peer p USING interface i, unnest(rolled) r
    WHERE p.interface = i.id AND i.node = node_id AND i.name = r.interface AND p.name = r.peer AND r.peer <> '';
    DELETE FROM interface i USING unnest(rolled) r
    WHERE i.node = node_id AND i.name = r.interface AND r.peer = ''
        AND (r.past ->> 'id')::bigint IS DISTINCT FROM i.id;
    DELETE FROM allocation a USING interface i, unnest(rolled) r
    WHERE a.interface = i.id AND a.peer IS NULL AND i.node = node_id AND i.name = r.interface AND r.peer = '';
    INSERT INTO interface (id, node, name, backend, up, mtu, listen_port, public_key, sealed_key, ipv6_pool, ipv4_pool,
                           endpoint, firewall_mark, dns, drift_policy, created, revision,
                           other_key, other_sealed_key, other_key_is_next, other_key_time)
    SELECT (r.past ->> 'id')::bigint, node_id, r.interface, (r.past ->> 'backend')::bigint, (r.past ->> 'up')::boolean,
           (r.past ->> 'mtu')::bigint, (r.past ->> 'listen_port')::bigint, decode(r.past ->> 'public_key', 'base64'),
           decode(r.past ->> 'sealed_key', 'hex'), (r.past ->> 'ipv6_pool')::cidr, (r.past ->> 'ipv4_pool')::cidr,
           r.past ->> 'endpoint', (r.past ->> 'firewall_mark')::bigint,
           ARRAY(SELECT d::inet FROM jsonb_array_elements_text(r.past -> 'dns') AS d),
           array_position(ARRAY['repair', 'report', 'adopt'], r.past ->> 'drift_policy') - 1,
           (r.past ->> 'created')::timestamptz, new_revision,
           decode(coalesce(r.past ->> 'next_key', r.past ->> 'key_before'), 'base64'),
           decode(r.past ->> 'other_sealed_key', 'hex'),
           CASE WHEN r.past ? 'other_sealed_key' THEN r.past ? 'next_key' END,
           coalesce(r.past ->> 'next_key_from', r.past ->> 'key_since')::timestamptz
    FROM unnest(rolled) r WHERE r.peer = '' AND r.past IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET
        backend = excluded.backend, up = excluded.up, mtu = excluded.mtu, listen_port = excluded.listen_port,
        public_key = excluded.public_key, sealed_key = excluded.sealed_key, ipv6_pool = excluded.ipv6_pool,
        ipv4_pool = excluded.ipv4_pool, endpoint = excluded.endpoint, firewall_mark = excluded.firewall_mark,
        dns = excluded.dns, drift_policy = excluded.drift_policy, revision = excluded.revision,
        other_key = excluded.other_key, other_sealed_key = excluded.other_sealed_key,
        other_key_is_next = excluded.other_key_is_next, other_key_time = excluded.other_key_time;
    INSERT INTO allocation (interface, prefix, routed, on_link)
    SELECT i.id, host(a.address::inet)::cidr, false, masklen(a.address::inet)
    FROM unnest(rolled) r JOIN interface i ON i.node = node_id AND i.name = r.interface,
        jsonb_array_elements_text(r.past -> 'addresses') WITH ORDINALITY AS a (address, place)
    WHERE r.peer = '' AND r.past IS NOT NULL ORDER BY i.id, a.place;
    PERFORM put_back_peers(node_id, rolled, new_revision);
END $$;

END $migration$;
