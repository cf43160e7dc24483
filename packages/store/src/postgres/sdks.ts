import type { SdkInstance, SdkStore } from '../flag-ports.ts'
import { pageOf } from '../page-of.ts'
import { pageLimit, type Scope } from '../scope.ts'
import type { Database, Statement } from './database.ts'
import { writeTogether } from './write-together.ts'

type Connecting = Parameters<SdkStore['connected']>[0]

const sdksPerWrite = 500

/**
 * Which SDK instances there are, and up to which flag version each has said that it applied everything.
 *
 * After a restart a thousand come within a second, and with a broken network they go so: one statement for all of them.
 */
export function createSdks(database: Database): SdkStore {
  const connecting = writeTogether<Connecting, void>({
    keyOf: sdk => JSON.stringify([sdk.project, sdk.environment, sdk.sdk]),
    most: sdksPerWrite,
    async write(sdks) {
      const names = [sdks.map(({ name }) => name), sdks.map(({ kind }) => kind)]
      await database.query(connectSdks, [await database.now(), ...placesOf(sdks), ...names])
      return sdks.map(() => undefined)
    },
  })
  const disconnecting = writeTogether<Scope & { readonly sdk: string }, void>({
    keyOf: sdk => JSON.stringify([sdk.project, sdk.environment, sdk.sdk]),
    most: sdksPerWrite,
    async write(sdks) {
      await database.query(disconnectSdks, [await database.now(), ...placesOf(sdks)])
      return sdks.map(() => undefined)
    },
  })
  return {
    connected: sdk => connecting.add(sdk),
    async disconnected({ project, environment }, sdks) {
      await Promise.all(sdks.map(sdk => disconnecting.add({ project, environment, sdk })))
    },
    async ended({ project, environment }, sdk) {
      await database.query(endSdk, [project, environment, sdk])
    },
    async acknowledged({ project, environment }, acknowledgements) {
      if (acknowledgements.length === 0) return
      const sdks = acknowledgements.map(({ sdk }) => sdk)
      const versions = acknowledgements.map(({ version }) => version)
      await database.query(acknowledge, [await database.now(), project, environment, sdks, versions])
    },
    async list({ project, environment }, request) {
      const limit = pageLimit(request)
      const rows = await database.query<SdkInstance>(listSdks, [project, environment, request.after ?? '', limit + 1])
      return pageOf(rows, limit, instance => instance.sdk)
    },
    async reach({ project, environment }, version, forgetAfterMs) {
      const values = [await database.now(), project, environment, version, forgetAfterMs, silentMax]
      const rows = await database.urgent<ReachRow>(readReach, values)
      const { known, acknowledged, silent } = rows[0]!
      return { known, acknowledged, silent: silent ?? [] }
    },
    async forget(notSeenForMs) {
      const rows = await database.query(forgetSdks, [await database.now(), notSeenForMs])
      return rows.length
    },
  }
}

function placesOf(sdks: readonly (Scope & { readonly sdk: string })[]): readonly (readonly string[])[] {
  return [sdks.map(({ project }) => project), sdks.map(({ environment }) => environment), sdks.map(({ sdk }) => sdk)]
}

const silentMax = 100

interface ReachRow {
  readonly known: number
  readonly acknowledged: number
  readonly silent: readonly SdkInstance[] | null
}

const connectSdks: Statement = {
  name: 'connect-sdks',
  doing: 'note that SDKs connected',
  text: `insert into sdk_instance (project, environment, sdk, name, kind, connected, connected_at, seen_at)
    select project, environment, sdk, name, kind, true, now_ms($1), now_ms($1)
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
      as coming (project, environment, sdk, name, kind)
    order by project, environment, sdk
    on conflict (project, environment, sdk) do update
      set name = excluded.name, kind = excluded.kind, connected = true, connected_at = excluded.connected_at,
        seen_at = excluded.seen_at`,
}

const disconnectSdks: Statement = {
  name: 'disconnect-sdks',
  doing: 'note that SDKs disconnected',
  text: `with gone as materialized (
      select s.project, s.environment, s.sdk from sdk_instance s
      join unnest($2::text[], $3::text[], $4::text[]) as going (project, environment, sdk)
        using (project, environment, sdk)
      order by s.project, s.environment, s.sdk for update of s)
    update sdk_instance s set connected = false, seen_at = now_ms($1)
    from gone where s.project = gone.project and s.environment = gone.environment and s.sdk = gone.sdk`,
}

const endSdk: Statement = {
  name: 'end-sdk',
  doing: 'note that an SDK ended',
  text: 'delete from sdk_instance where project = $1 and environment = $2 and sdk = $3',
}

/** Locked in order of their names, because two instances may write acknowledgements of the same SDKs. */
const acknowledge: Statement = {
  name: 'acknowledge-flags',
  doing: 'note what SDKs applied',
  text: `with said as materialized (
      select sdk, max(version) as version from unnest($4::text[], $5::bigint[]) as said (sdk, version) group by sdk),
    known as materialized (
      select s.sdk, said.version from sdk_instance s join said on said.sdk = s.sdk
      where s.project = $2 and s.environment = $3 order by s.sdk for update of s)
    update sdk_instance s set version = greatest(s.version, known.version), seen_at = now_ms($1)
    from known where s.project = $2 and s.environment = $3 and s.sdk = known.sdk`,
}

const sdkColumns = `s.project, s.environment, s.sdk, s.name, s.kind, s.version, s.connected_at as "connectedAt",
  s.seen_at as "seenAt", s.connected`

const listSdks: Statement = {
  name: 'list-sdks',
  doing: 'list SDKs',
  text: `select ${sdkColumns} from sdk_instance s
    where s.project = $1 and s.environment = $2 and s.sdk > $3 order by s.sdk limit $4`,
}

const readReach: Statement = {
  name: 'read-flag-reach',
  doing: 'read which SDKs applied a version',
  text: `with known as materialized (
      select ${sdkColumns} from sdk_instance s
      where s.project = $2 and s.environment = $3 and s.kind = 'server' and s.seen_at > now_ms($1) - $5::bigint),
    silent as (select * from known where version < $4 order by name, sdk limit $6)
    select count(*) as known, count(*) filter (where version >= $4) as acknowledged,
      (select json_agg(silent) from silent) as silent from known`,
}

const forgetSdks: Statement = {
  name: 'forget-sdks',
  doing: 'forget SDKs',
  text: 'delete from sdk_instance where seen_at < now_ms($1) - $2::bigint returning sdk',
}
