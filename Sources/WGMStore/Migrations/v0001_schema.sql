-- SPDX-License-Identifier: Apache-2.0
-- Runs as one statement, as the schema's owner, with search_path = wgm.
DO $migration$
BEGIN

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- One row. Every change locks it first, so that revisions become visible in the order of their numbers.
CREATE TABLE head (
    id bigint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    revision bigint NOT NULL DEFAULT 0
);
INSERT INTO head DEFAULT VALUES;

CREATE TABLE revision (
    number bigint PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT now(),
    principal text,
    request_id text NOT NULL,
    method text NOT NULL,
    summary text NOT NULL
);

CREATE TABLE node (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT node_name UNIQUE,
    -- RFC 4193, chosen once.
    ula cidr CONSTRAINT node_ula CHECK (masklen(ula) = 48 AND ula << inet 'fd00::/8'),
    next_subnet bigint NOT NULL DEFAULT 0 CHECK (next_subnet BETWEEN 0 AND 65536)
);

CREATE SEQUENCE interface_id;

CREATE TABLE interface (
    id bigint PRIMARY KEY,
    node bigint NOT NULL REFERENCES node,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 15),
    backend bigint NOT NULL CHECK (backend BETWEEN 0 AND 2),
    up boolean NOT NULL,
    mtu bigint NOT NULL CHECK (mtu BETWEEN 1 AND 65535),
    listen_port bigint NOT NULL CHECK (listen_port BETWEEN 1 AND 65535),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    sealed_key bytea NOT NULL,
    ipv6_pool cidr NOT NULL CHECK (family(ipv6_pool) = 6 AND masklen(ipv6_pool) BETWEEN 1 AND 126),
    ipv4_pool cidr CHECK (family(ipv4_pool) = 4 AND masklen(ipv4_pool) BETWEEN 1 AND 30),
    -- Host numbers inside the pools; they only ever go round, so that a freed address rests as long as can be.
    next_ipv6 bigint NOT NULL DEFAULT 2,
    next_ipv4 bigint NOT NULL DEFAULT 2,
    endpoint text,
    firewall_mark bigint NOT NULL CHECK (firewall_mark BETWEEN 0 AND 4294967295),
    dns inet[] NOT NULL,
    revision bigint NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT interface_name UNIQUE (node, name),
    CONSTRAINT interface_listen_port UNIQUE (node, listen_port),
    CONSTRAINT interface_public_key UNIQUE (public_key),
    CONSTRAINT interface_ipv6_pool EXCLUDE USING gist (node WITH =, ipv6_pool inet_ops WITH &&),
    CONSTRAINT interface_ipv4_pool EXCLUDE USING gist (node WITH =, ipv4_pool inet_ops WITH &&)
);

CREATE TABLE peer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    interface bigint NOT NULL REFERENCES interface ON DELETE CASCADE,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 63),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    enabled boolean NOT NULL,
    endpoint_address inet,
    endpoint_port bigint CHECK (endpoint_port BETWEEN 1 AND 65535),
    endpoint_zone bigint CHECK (endpoint_zone BETWEEN 0 AND 4294967295),
    keepalive bigint NOT NULL CHECK (keepalive BETWEEN 0 AND 65535),
    comment text NOT NULL CHECK (octet_length(comment) <= 256),
    revision bigint NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT peer_name UNIQUE (interface, name),
    CONSTRAINT peer_public_key UNIQUE (interface, public_key),
    UNIQUE (interface, id)
);

-- Who has which addresses of an interface: the gateway itself (peer is null), or a peer.
CREATE TABLE allocation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    interface bigint NOT NULL REFERENCES interface ON DELETE CASCADE,
    peer bigint,
    prefix cidr NOT NULL,
    -- False for an address of its own, true for a prefix behind a peer.
    routed boolean NOT NULL,
    -- For the gateway's addresses: the length of the prefix that is on-link.
    on_link bigint CHECK ((on_link IS NULL) = (peer IS NOT NULL)),
    holder bigint NOT NULL GENERATED ALWAYS AS (coalesce(peer, 0)) STORED,
    FOREIGN KEY (interface, peer) REFERENCES peer (interface, id) ON DELETE CASCADE,
    CONSTRAINT allocation_own_address
        CHECK (routed OR masklen(prefix) = CASE family(prefix) WHEN 4 THEN 32 ELSE 128 END),
    CONSTRAINT allocation_once UNIQUE (peer, prefix),
    -- One peer's prefixes may lie inside each other; two peers' may not. The family keeps the index from growing boxes
    -- that hold both families, which cost a factor of five.
    CONSTRAINT allocation_peer_overlap EXCLUDE USING gist
        (interface WITH =, family(prefix) WITH =, prefix inet_ops WITH &&, holder WITH <>) WHERE (peer IS NOT NULL),
    -- Nor may a peer's hold the gateway's own address, unless it is a default route.
    CONSTRAINT allocation_gateway_overlap EXCLUDE USING gist
        (interface WITH =, family(prefix) WITH =, prefix inet_ops WITH &&, holder WITH <>) WHERE (masklen(prefix) > 0)
);

-- WireGuard silently ignores a peer that has the interface's own key.
CREATE FUNCTION refuse_own_key() RETURNS trigger LANGUAGE plpgsql SET search_path = wgm, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM interface i JOIN peer p ON p.interface = i.id AND p.public_key = i.public_key
               WHERE i.id IN (SELECT interface FROM added)) THEN
        RAISE unique_violation USING MESSAGE = 'a peer has the key of its interface', CONSTRAINT = 'peer_own_key';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER peer_own_key AFTER INSERT ON peer REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_own_key();

-- The next free addresses of a pool; fewer rows than wanted when the pool is exhausted.
-- A plan made while the table was small would read all of it for each address: hence no sequential scans.
CREATE FUNCTION give_addresses(wanted_interface bigint, wanted_family integer, wanted_count bigint)
RETURNS SETOF inet LANGUAGE plpgsql SET search_path = wgm, pg_temp SET enable_seqscan = off AS $$
DECLARE
    width CONSTANT integer := CASE wanted_family WHEN 4 THEN 32 ELSE 128 END;
    pool inet;
    base inet;
    start bigint;
    number bigint;
    last bigint;
    given bigint := 0;
    wrapped boolean := false;
    blocking inet;
BEGIN
    SELECT CASE wanted_family WHEN 4 THEN ipv4_pool ELSE ipv6_pool END,
           CASE wanted_family WHEN 4 THEN next_ipv4 ELSE next_ipv6 END
        INTO STRICT pool, start FROM interface WHERE id = wanted_interface FOR UPDATE;
    IF pool IS NULL OR EXISTS (
        SELECT FROM allocation
        WHERE interface = wanted_interface AND family(prefix) = wanted_family AND peer IS NOT NULL AND prefix >>= pool
    ) THEN
        RETURN;
    END IF;
    base := set_masklen(pool, width);
    -- Host number 0 names the network or, in IPv6, any router (RFC 4291 2.6.1); IPv4's last one is for broadcast.
    last := (1::bigint << least(width - masklen(pool), 62)) - CASE wanted_family WHEN 4 THEN 2 ELSE 1 END;
    number := start;
    WHILE given < wanted_count LOOP
        IF number > last THEN
            EXIT WHEN wrapped;
            wrapped := true;
            number := 1;
        END IF;
        EXIT WHEN wrapped AND number >= start;
        SELECT prefix INTO blocking FROM allocation
            WHERE interface = wanted_interface AND family(prefix) = wanted_family AND masklen(prefix) > 0
                AND prefix && (base + number) LIMIT 1;
        IF NOT FOUND THEN
            RETURN NEXT base + number;
            given := given + 1;
            number := number + 1;
        ELSIF masklen(blocking) < width - 62 THEN
            number := last + 1;
        ELSE
            number := set_masklen(broadcast(blocking), width) - base + 1;
        END IF;
    END LOOP;
    IF wanted_family = 4 THEN
        UPDATE interface SET next_ipv4 = number WHERE id = wanted_interface;
    ELSE
        UPDATE interface SET next_ipv6 = number WHERE id = wanted_interface;
    END IF;
END $$;

CREATE TABLE principal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT principal_name UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 63),
    uid bigint CONSTRAINT principal_uid UNIQUE CHECK (uid BETWEEN 0 AND 4294967294),
    tokens_valid_from timestamptz NOT NULL DEFAULT 'epoch',
    created timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE principal_role (
    principal bigint NOT NULL REFERENCES principal ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    PRIMARY KEY (principal, role)
);

CREATE TABLE revoked_token (
    token_id text PRIMARY KEY,
    principal bigint NOT NULL REFERENCES principal ON DELETE CASCADE,
    expires timestamptz NOT NULL
);

-- Number 1 is given by hand to the one record that made the first admin.
CREATE TABLE audit (
    sequence bigint GENERATED ALWAYS AS IDENTITY (START WITH 2) PRIMARY KEY,
    node text NOT NULL,
    time timestamptz NOT NULL,
    principal text,
    uid bigint,
    token_id text,
    method text NOT NULL,
    resource text NOT NULL,
    code bigint NOT NULL,
    message text NOT NULL,
    request text NOT NULL,
    request_id text NOT NULL,
    revision bigint
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'audit records are never changed or deleted';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What makes a retry harmless: kept for ten minutes.
CREATE TABLE call_key (
    principal text NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 16),
    request_hash bytea NOT NULL,
    revision bigint NOT NULL,
    reply bytea,
    time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT call_key_once PRIMARY KEY (principal, key)
);
CREATE INDEX call_key_time ON call_key (time);

END $migration$;
