-- SPDX-License-Identifier: Apache-2.0
-- What is told of a state: by the names and words of a gateway file, without what is secret or nobody's concern.
DO $migration$
BEGIN

CREATE FUNCTION told_state(state jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
SELECT (state - '{id,sealed_key,other_sealed_key,sealed_preshared_key,routed,backend}'::text[]
              - '{endpoint_address,endpoint_name,endpoint_port,endpoint_zone}'::text[])
    || jsonb_strip_nulls(jsonb_build_object(
        'allowed_addresses', state -> 'routed',
        'backend', (ARRAY['auto', 'kernel', 'userspace'])[(state ->> 'backend')::int + 1],
        'endpoint', CASE WHEN state ->> 'endpoint_port' IS NULL THEN NULL
            WHEN (state ->> 'endpoint_address') LIKE '%:%'
                THEN concat('[', state ->> 'endpoint_address', '%' || nullif(state ->> 'endpoint_zone', '0'), ']:')
            ELSE concat(coalesce(state ->> 'endpoint_address', state ->> 'endpoint_name'), ':')
        END || (state ->> 'endpoint_port')))
$$;

END $migration$;
