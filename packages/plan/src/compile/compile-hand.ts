/**
 * Hands: what moves exposure. Exactly one splits the users, because percentages of hands in series multiply: a flag at
 * 5 % behind a proxy at 5 % is 0.25 %.
 */
import type { Hand } from '../compiled-plan.ts'
import { findChosenKeys } from '../language/check-shape.ts'
import { duration } from '../language/formats.ts'
import { hand as handDeclaration, handKinds } from '../language/hand.ts'
import type { Localized } from '../problem.ts'
import { refuse } from '../problem.ts'
import { readDurationMs } from '../quantity.ts'
import type { PlainData, YamlNode } from '../yaml-node.ts'
import { dataOf, entriesOf, getText, getValue, itemsOf, textOf } from '../yaml-node.ts'
import type { PlanScope } from './scope.ts'

export function compileHands(list: YamlNode | null, scope: PlanScope): readonly Hand[] {
  const nodes = itemsOf(list)
  const hands = nodes.flatMap(node => {
    const hand = compileHand(node)
    return hand ? [{ hand, node }] : []
  })
  for (const [index, { hand, node }] of hands.entries()) {
    if (index > 0 && hand.role === 'splitter') scope.log.add('second-splitter', node, describeSecond(hand, node))
    if (index === 0 && hand.role !== 'splitter') scope.log.add('no-splitter', node, describeFirst(hand, node))
    if (hands.findIndex(other => other.hand.id === hand.id) < index)
      scope.log.add('duplicate-name', node, describeTwice(hand, node))
  }
  return hands.map(({ hand }) => hand)
}

function compileHand(node: YamlNode): Hand | null {
  if (node.kind !== 'map') return null
  const [kind] = findChosenKeys(node, handDeclaration)
  const known = kind === undefined ? undefined : handKinds[kind]
  const value = kind === undefined ? null : getValue(node, kind)
  if (kind === undefined || !known || value === null) return null
  const written = textOf(value)
  const options = written === null ? readOptions(kind, value) : { [known.identifiedBy[0] ?? 'name']: written }
  const names = known.identifiedBy
    .map(key => options[key])
    .filter(name => typeof name === 'string' || typeof name === 'number')
  const name = kind === 'googlePlay' ? names.join('/') : names[0]
  const as = getText(value, 'as')
  const role = as === 'gate' || as === 'copy' || as === 'carrier' ? as : 'splitter'
  return {
    id: name === undefined || name === '' ? kind : `${kind}:${name}`,
    kind,
    role,
    canLower: known.canLower,
    options,
  }
}

/** Declared times become milliseconds, as everywhere in a compiled plan; the rest stays as written. */
function readOptions(kind: string, node: YamlNode): Readonly<Record<string, PlainData>> {
  const declared = handKinds[kind]?.options ?? {}
  return Object.fromEntries(
    entriesOf(node)
      .filter(({ key }) => key !== 'as')
      .map(({ key, value }) => {
        const shape = Object.hasOwn(declared, key) ? declared[key]?.shape : undefined
        const isTime = shape?.type === 'text' && shape.format === duration
        return [key, isTime ? readDurationMs(textOf(value) ?? '') : dataOf(value)]
      }),
  )
}

function label(hand: Hand): string {
  return hand.id.replace(':', ' ')
}

/** Message 8. */
function describeSecond(hand: Hand, node: YamlNode): Localized {
  return refuse(
    {
      cannot: `combine ${node.path} "${label(hand)}"`,
      found: 'a second hand that splits users (5% of 5% is 0.25%)',
      expected: 'one',
      next: 'Add as: gate',
    },
    {
      cannot: `${node.path} "${label(hand)}" を組み合わせられません`,
      found: '利用者を分ける手 (5% の 5% は 0.25%) がもう 1 つあります',
      expected: '1 つだけ',
      next: 'as: gate を加えてください',
    },
  )
}

function describeFirst(hand: Hand, node: YamlNode): Localized {
  return refuse(
    {
      cannot: `use ${node.path} "${label(hand)}" as the first hand`,
      found: `as: ${hand.role}`,
      expected: 'the hand that splits the users',
      next: 'Put that one first, or delete as',
    },
    {
      cannot: `${node.path} "${label(hand)}" を最初の手にできません`,
      found: `as: ${hand.role} があります`,
      expected: '利用者を分ける手',
      next: 'それを最初に置くか、as を削除してください',
    },
  )
}

function describeTwice(hand: Hand, node: YamlNode): Localized {
  return refuse(
    {
      cannot: `combine ${node.path} "${label(hand)}"`,
      found: 'the same hand twice',
      expected: 'each once',
      next: 'Delete one',
    },
    {
      cannot: `${node.path} "${label(hand)}" を組み合わせられません`,
      found: '同じ手が 2 つあります',
      expected: '1 つずつ',
      next: '片方を削除してください',
    },
  )
}
