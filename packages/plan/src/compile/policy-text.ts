/** Readers of the short sentences of the language. The shape check has already refused what does not fit. */
import type { Baseline, Consequence, EvidencePolicy, Expectation, Phase, Step } from '../compiled-plan.ts'
import { readDurationMs, shiftDecimal } from '../quantity.ts'

export function readBaseline(text: string | null): Baseline {
  const written = text ?? 'stable'
  if (written === 'previous version') return { kind: 'previousVersion' }
  const ago = /^same hour (\S+) ago$/u.exec(written)?.[1]
  if (ago !== undefined) return { kind: 'sameTime', agoMs: readDurationMs(ago) ?? 0 }
  const span = /^mean of (\S+)$/u.exec(written)?.[1]
  return span === undefined ? { kind: 'stable' } : { kind: 'meanOf', spanMs: readDurationMs(span) ?? 0 }
}

export function readEvidence(text: string | null): EvidencePolicy {
  const match = /^not harmful(?: after (\S+))? with (\d+) samples$/u.exec(text ?? '')
  if (!match) return { kind: 'shownSafe' }
  return { kind: 'notHarmful', afterMs: readDurationMs(match[1] ?? '0s') ?? 0, samples: Number(match[2]) }
}

/** Null when `decide` has no answer to silence; the caller reports it. */
export function readConsequence(text: string, otherwise: string | null): Consequence | null {
  if (text === 'rollback now') return { kind: 'now' }
  if (text === 'halt' || text === 'hold') return { kind: text }
  const ms = readDurationMs(text.split(' ').at(-1) ?? '') ?? 0
  if (text.startsWith('rollback within ')) return { kind: 'within', ms }
  if (otherwise !== 'rollback' && otherwise !== 'continue') return null
  return { kind: 'decide', ms, otherwise }
}

export function readIfNotMet(text: string | null): Phase['ifNotMet'] | null {
  if (text === null || text === 'wait') return { kind: 'wait' }
  if (text === 'rollback') return { kind: 'rollback', afterMs: 0 }
  const after = /^rollback after (\S+)$/u.exec(text)?.[1]
  if (after !== undefined) return { kind: 'rollback', afterMs: readDurationMs(after) ?? 0 }
  const [, within, otherwise] = /^decide within (\S+?)(?: otherwise (rollback|continue))?$/u.exec(text) ?? []
  if (within === undefined) return { kind: 'wait' }
  if (otherwise !== 'rollback' && otherwise !== 'continue') return null
  return { kind: 'decide', withinMs: readDurationMs(within) ?? 0, otherwise }
}

export function readExpectation(text: string, verb: string): Expectation {
  if (text === 'rows') return { kind: 'rows' }
  if (text === 'no rows') return { kind: 'noRows' }
  if (verb === 'http' && /^[1-5]\d\d$/u.test(text)) return { kind: 'status', status: Number(text) }
  const [, field, op, number, percent] = /^([A-Za-z_][\w.]*) (<=|>=|<|>|=) (\d+(?:\.\d+)?)(%?)$/u.exec(text) ?? []
  const value = number === undefined ? null : shiftDecimal(number, percent === '%' ? -2 : 0)
  if (field === undefined || value === null) return { kind: 'text', text }
  return { kind: 'compare', field, op: op as '<' | '<=' | '>' | '>=' | '=', value }
}

export function readOnFail(text: string | null, byDefault: 'stop' | 'goOn'): Step['onFail'] {
  if (text === null) return { kind: byDefault }
  if (text.startsWith('ask ')) return { kind: 'ask', role: text.slice('ask '.length) }
  return { kind: text === 'go on' ? 'goOn' : 'stop' }
}

export function readLabelTests(text: string | null): Step['when'] {
  if (text === null) return []
  return text.split(' and ').map(part => {
    const present = !part.startsWith('not ')
    return { label: present ? part : part.slice('not '.length), present }
  })
}

export function readDays(text: string | null): Step['days'] {
  if (text === null) return null
  const [from = '1', to = from] = text.split('-')
  return { from: Number(from), to: Number(to) }
}
