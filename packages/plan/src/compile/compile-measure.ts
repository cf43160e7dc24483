/** What a metric measures: series with label filters for our own samples, text as it stands for foreign sources. */
import type { MeasureSource, Series } from '../compiled-plan.ts'
import { findChosenKeys } from '../language/check-shape.ts'
import { metric as metricDeclaration, quantileForm } from '../language/metric.ts'
import { quote, refuse } from '../problem.ts'
import type { MapNode, YamlNode } from '../yaml-node.ts'
import { getText, getValue, textOf, textsOf } from '../yaml-node.ts'
import type { PlanScope } from './scope.ts'

export function compileMeasure(node: MapNode, scope: PlanScope): MeasureSource | null {
  const [measure] = findChosenKeys(node, metricDeclaration)
  const value = measure === undefined ? null : getValue(node, measure)
  if (measure === undefined || value === null) return null
  if (measure === 'highest') return { kind: 'highest', of: textsOf(value) }
  const text = textOf(value)
  if (text === null) return null
  const isForeign = !isOwnSource(getText(node, 'source'))
  if (measure === 'query') return { kind: 'query', text }
  if (measure === 'ratio') return compileRatio(text, value, isForeign, scope)
  const series = readSeries(text, value, isForeign, scope)
  if (series === null) return null
  if (measure === 'mean' || measure === 'count' || measure === 'last') return { kind: measure, series }
  const [, whole = '', fraction = ''] = new RegExp(quantileForm, 'u').exec(measure) ?? []
  return { kind: 'quantile', quantile: Number(`0.${whole.padStart(2, '0')}${fraction.slice(1)}`), series }
}

/** Series with label filters are our own form; other sources have languages of their own. */
function isOwnSource(source: string | null): boolean {
  return source === null || source === 'dankai' || source === 'people' || source === 'shadow'
}

function compileRatio(text: string, at: YamlNode, isForeign: boolean, scope: PlanScope): MeasureSource | null {
  const parts = text.split(' / ')
  const [over = '', under = ''] = parts
  if (parts.length === 2 && over.trim() !== '' && under.trim() !== '') {
    const numerator = readSeries(over.trim(), at, isForeign, scope)
    const denominator = readSeries(under.trim(), at, isForeign, scope)
    return numerator && denominator && { kind: 'ratio', numerator, denominator }
  }
  const en = {
    cannot: `read ratio ${quote(text)} in ${at.path}`,
    found: `${parts.length - 1} times " / "`,
    expected: 'two series with " / " between them',
    next: 'Write for example ratio: errors / requests',
  }
  const ja = {
    cannot: `${at.path} の比 ${quote(text)} を読めません`,
    found: `" / " が ${parts.length - 1} 個あります`,
    expected: '" / " で結んだ 2 つの系列',
    next: 'ratio: errors / requests のように書いてください',
  }
  scope.log.add('series', at, refuse(en, ja))
  return null
}

function readSeries(text: string, at: YamlNode, isForeign: boolean, scope: PlanScope): Series | null {
  if (isForeign) return { name: text, labels: {} }
  const match = /^([A-Za-z_][\w.:-]*)(?:\(([^()]*)\))?$/u.exec(text)
  const labels = match?.[2] === undefined ? [] : match[2].split(',').map(part => part.trim())
  const pairs = labels.map(label => /^([A-Za-z_]\w*)\s*=\s*([^=\s]+)$/u.exec(label))
  if (match && pairs.every(pair => pair !== null)) {
    return { name: match[1] ?? '', labels: Object.fromEntries(pairs.map(pair => [pair?.[1] ?? '', pair?.[2] ?? ''])) }
  }
  const en = {
    cannot: `read series ${quote(text)} in ${at.path}`,
    found: 'something else',
    expected: 'a name, or a name with labels in parentheses',
    next: 'Write for example http_requests(status=5xx)',
  }
  const ja = {
    cannot: `${at.path} の系列 ${quote(text)} を読めません`,
    found: '別の形のものがあります',
    expected: '名前、または括弧内にラベルを付けた名前',
    next: 'http_requests(status=5xx) のように書いてください',
  }
  scope.log.add('series', at, refuse(en, ja))
  return null
}
