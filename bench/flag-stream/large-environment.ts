import { defineFlag } from '@dankai/flags'
import pg from 'pg'

/** As many flags as a large organisation has, written past the API: what is measured is holding and sending them. */
export async function writeLargeEnvironment(databaseUrl: string, environment: string, count: number): Promise<void> {
  const definitions = Array.from({ length: count }, (_, index) => JSON.stringify(flagOf(index)))
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('set search_path = dankai')
    await client.query(
      `with written as (insert into flag_stream (project, environment, version) values ('default', $1, $3))
       insert into flag (project, environment, key, version, definition, changed_at)
       select 'default', $1, definition->>'key', (definition->>'version')::bigint, definition, 0
       from (select text::jsonb as definition from unnest($2::text[]) as text) given`,
      [environment, definitions, count],
    )
  } finally {
    await client.end()
  }
}

/** Three rules and a share, as flags that live for a while come to have. */
function flagOf(index: number) {
  const rule = (id: string, attribute: string, values: readonly string[]) => ({
    id,
    when: [{ attribute, operator: 'is' as const, values, negated: false }],
    share: 1,
    by: null,
    seed: null,
    serve: { variant: 'on' },
  })
  return defineFlag({
    key: `large-${String(index).padStart(5, '0')}`,
    version: index + 1,
    rules: [
      rule('staff', 'email', [`staff-${index}@example.com`]),
      rule('country', 'country', ['JP', 'US', 'DE']),
      rule('plan', 'plan', ['premium', 'business']),
    ],
    exposure: { share: 0.25, cohorts: [], shadow: false },
  })
}
