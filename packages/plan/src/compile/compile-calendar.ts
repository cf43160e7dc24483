import type { Calendar, CalendarEntry, Weekday, WeeklyWindow } from '../compiled-plan.ts'
import type { PlanDocument } from '../plan-documents.ts'
import type { ProblemLog } from '../problem.ts'
import { refuse } from '../problem.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { entriesOf, getText, getValue, itemsOf, textOf, textsOf } from '../yaml-node.ts'

export function compileCalendar(document: PlanDocument, log: ProblemLog): Calendar {
  const { root } = document
  const train = compileTrain(getValue(root, 'train'))
  const startOn = getText(root, 'startOn') ?? (train === null ? 'any open day' : 'train')
  if (startOn === 'train' && train === null) refuseMissingTrain(root, log)
  const periods = (key: string) => itemsOf(getValue(root, key)).flatMap(node => compilePeriod(node, log) ?? [])
  return {
    name: document.name,
    timezone: getText(root, 'timezone') ?? 'UTC',
    train,
    startOn: startOn === 'train' && train !== null ? 'train' : 'any open day',
    open: Object.fromEntries(
      entriesOf(getValue(root, 'open')).flatMap(({ key, value }) => compileOpen(key, textOf(value))),
    ),
    blocked: periods('blocked'),
    caution: periods('caution'),
    maintenance: periods('maintenance'),
    exempt: compileExemption(getValue(root, 'exempt')),
  }
}

function refuseMissingTrain(root: MapNode, log: ProblemLog): void {
  const en = {
    cannot: 'use "startOn: train"',
    found: 'no train',
    expected: 'one',
    next: 'Add train: { freeze: Wed, staging: Thu, release: Tue 10:00 }',
  }
  const ja = {
    cannot: '"startOn: train" を使えません',
    found: 'train がありません',
    expected: 'それ',
    next: 'train: { freeze: Wed, staging: Thu, release: Tue 10:00 } を加えてください',
  }
  log.add('calendar', getValue(root, 'startOn') ?? root, refuse(en, ja))
}

function compileTrain(node: YamlNode | null): Calendar['train'] {
  const [day, time] = (getText(node, 'release') ?? '').split(' ')
  const freeze = getText(node, 'freeze')
  const staging = getText(node, 'staging')
  if (node === null || day === undefined || time === undefined || freeze === null || staging === null) return null
  return { freeze: freeze as Weekday, staging: staging as Weekday, release: day as Weekday, atMs: readTimeOfDay(time) }
}

function readTimeOfDay(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':')
  return (Number(hours) * 60 + Number(minutes)) * 60_000
}

function readWindow(text: string): WeeklyWindow {
  const [day = 'Mon', times = ''] = text.split(' ')
  const [from = '', to = ''] = times.split('-')
  return { weekday: day as Weekday, fromMs: readTimeOfDay(from), toMs: readTimeOfDay(to) }
}

function compileOpen(type: string, text: string | null): [string, WeeklyWindow | 'any'][] {
  if (text === null) return []
  return [[type, text === 'any' ? 'any' : readWindow(text)]]
}

function compilePeriod(node: YamlNode, log: ProblemLog): CalendarEntry | null {
  const when = readPeriod(node)
  if (when === null) {
    const en = {
      cannot: `read ${node.path}`,
      found: 'neither "from" and "to" nor "every"',
      expected: 'one of them',
      next: 'Write from: 12-28, to: 01-04, or every: Sun 02:00-06:00',
    }
    const ja = {
      cannot: `${node.path} を読めません`,
      found: '"from" と "to"、"every" のどれもありません',
      expected: 'どちらか',
      next: 'from: 12-28, to: 01-04 か every: Sun 02:00-06:00 と書いてください',
    }
    log.add('calendar', node, refuse(en, ja))
    return null
  }
  return {
    name: getText(node, 'name') ?? getText(node, 'purpose') ?? '',
    when,
    reason: getText(node, 'reason'),
    policy: getText(node, 'policy'),
    needs: getText(node, 'needs'),
    except: textsOf(getValue(node, 'except')),
    reasons: textsOf(getValue(node, 'reasons')),
  }
}

function readPeriod(node: YamlNode): CalendarEntry['when'] | null {
  const every = getText(node, 'every')
  const from = getText(node, 'from')
  const to = getText(node, 'to')
  if (every !== null && from === null && to === null) return { kind: 'weekly', ...readWindow(every) }
  return every === null && from !== null && to !== null ? { kind: 'yearly', from, to } : null
}

function compileExemption(node: YamlNode | null): Calendar['exempt'] {
  if (node === null) return null
  return { types: textsOf(getValue(node, 'types')), needs: getText(node, 'needs') === 'nothing' ? 'nothing' : 'reason' }
}

/** Labels and release types a calendar speaks of: a release may be given them. */
export function readCalendarLabels(document: PlanDocument): readonly string[] {
  const { root } = document
  const periods = ['blocked', 'caution', 'maintenance'].flatMap(key => itemsOf(getValue(root, key)))
  return [
    ...entriesOf(getValue(root, 'open')).map(({ key }) => key),
    ...textsOf(getValue(getValue(root, 'exempt'), 'types')),
    ...periods.flatMap(node => [
      ...textsOf(getValue(node, 'needs')),
      ...textsOf(getValue(node, 'except')),
      ...textsOf(getValue(node, 'reasons')),
    ]),
  ]
}
