import { deadAfterMs, type InstanceStore } from '@dankai/engine'
import type { InstanceSummary } from '../server-ports.ts'
import { StoreError } from '../store-error.ts'
import type { Database, Statement } from './database.ts'

/**
 * Who is alive. An instance is its name and an epoch that rises at each start, so that a restarted instance is not
 * taken for the one that died: what the old epoch owned is free at once.
 */
/** Long after anything could still name them. */
const forgetAfterMs = 30 * 86_400_000

export interface Instances extends InstanceStore {
  list(): Promise<readonly InstanceSummary[]>
  /** Epoch under which this process owns releases and commands; beats first when it never did. */
  epochOf(instance: string): Promise<number>
}

export function createInstances(database: Database): Instances {
  const epochs = new Map<string, Promise<number>>()

  async function start(instance: string): Promise<number> {
    const rows = await database.query<{ epoch: number }>(startInstance, [await database.now(), instance])
    return rows[0]!.epoch
  }

  function epochOf(instance: string): Promise<number> {
    let epoch = epochs.get(instance)
    if (epoch === undefined) {
      epoch = start(instance)
      epochs.set(instance, epoch)
      epoch.catch(() => epochs.delete(instance))
    }
    return epoch
  }

  return {
    epochOf,
    async beat(instance) {
      if (!epochs.has(instance)) return void (await epochOf(instance))
      const epoch = await epochOf(instance)
      const rows = await database.urgent(beatInstance, [await database.now(), instance, epoch])
      if (rows.length > 0) return
      throw new StoreError(
        'superseded',
        `Cannot beat as instance "${instance}": found a newer start of it, expected epoch ${epoch}. ` +
          'Stop one of the two processes, or give it another instance name.',
      )
    },
    async leave(instance) {
      const epoch = await epochs.get(instance)
      epochs.delete(instance)
      if (epoch !== undefined) await database.query(leaveInstance, [instance, epoch])
    },
    async list() {
      return database.query<InstanceSummary>(listInstances, [await database.now(), deadAfterMs, forgetAfterMs])
    },
  }
}

const startInstance: Statement = {
  name: 'start-instance',
  doing: 'register this instance',
  text: `insert into instance as i (id, epoch, started_at, seen_at) values ($2, 1, now_ms($1), now_ms($1))
    on conflict (id) do update set epoch = i.epoch + 1, started_at = excluded.started_at, seen_at = excluded.seen_at
    returning epoch`,
}

/**
 * Beats keep the time too. A clock that went back by more than 10 s (less is waited out) is carried on from the latest
 * time any beat saw; when it comes forward again, what was added goes first; else a tenth of what passed is taken off.
 */
const beatInstance: Statement = {
  name: 'beat-instance',
  doing: 'say that this instance is alive',
  text: `with before as materialized (select machine_ms() as machine, latest, added from time_kept for update),
    judged as (
      select machine, case
        when machine + added < latest - 10000 then latest - machine
        when machine + added > latest + 10000 then greatest(0, least(added, latest - machine))
        else greatest(0, added - greatest(0, machine + added - latest) / 10) end as added
      from before),
    kept as (
      update time_kept t set added = judged.added, latest = greatest(t.latest, judged.machine + judged.added)
      from judged where $1::bigint is null returning judged.machine + judged.added as now)
    update instance set seen_at = coalesce((select now from kept), now_ms($1))
    where id = $2 and epoch = $3 returning 1 as beaten`,
}

/** The row stays: it remembers the epoch. */
const leaveInstance: Statement = {
  name: 'leave-instance',
  doing: 'sign this instance off',
  text: 'update instance set seen_at = 0 where id = $1 and epoch = $2',
}

const listInstances: Statement = {
  name: 'list-instances',
  doing: 'list instances',
  text: `select id, epoch, seen_at as "seenAt", seen_at > now_ms($1) - $2::bigint as alive
    from instance where seen_at > now_ms($1) - $3::bigint order by id limit 200`,
}
