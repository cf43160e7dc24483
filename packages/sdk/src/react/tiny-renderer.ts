/**
 * Renders function components to text for tests, with the few hooks the flag hooks are made of: React itself, without a
 * renderer of its own, has none.
 */
import * as React from 'react'

interface Cell {
  deps: readonly unknown[]
  value: unknown
}

interface Instance {
  readonly cells: Cell[]
  readonly children: Instance[]
  readonly unsubscribes: (() => void)[]
}

export interface Mounted {
  readonly text: string
  readonly renders: number
  update(element: React.ReactElement): void
  unmount(): void
}

interface Internals {
  H: object | null
}

// The one way in which a renderer gives React its hooks.
const internals = (React as unknown as Record<string, Internals>)[
  '__CLIENT_INTERNALS_DO_NOT_USE_OR_WARN_USERS_THEY_CANNOT_UPGRADE'
]!

export function mount(element: React.ReactElement): Mounted {
  const root = newInstance()
  let present = element
  let text = ''
  let renders = 0
  let isMounted = true
  const render = (): void => {
    if (!isMounted) return
    renders++
    text = renderNode(present, root, render)
  }
  render()
  return {
    get text() {
      return text
    },
    get renders() {
      return renders
    },
    update(next) {
      present = next
      render()
    },
    unmount() {
      isMounted = false
      unsubscribe(root)
    },
  }
}

const newInstance = (): Instance => ({ cells: [], children: [], unsubscribes: [] })

function unsubscribe(instance: Instance): void {
  for (const stop of instance.unsubscribes) stop()
  for (const child of instance.children) unsubscribe(child)
}

function renderNode(node: React.ReactNode, parent: Instance, again: () => void): string {
  if (node === null || node === undefined || typeof node === 'boolean') return ''
  if (Array.isArray(node)) return node.map(child => renderNode(child, parent, again)).join('')
  if (!React.isValidElement<Record<string, unknown>>(node)) return String(node)
  const { type, props } = node
  return typeof type === 'function'
    ? renderComponent(type as (props: object) => React.ReactNode, props, parent, again)
    : renderProvider(type as unknown as { _currentValue: unknown }, props, parent, again)
}

function renderProvider(
  context: { _currentValue: unknown },
  props: Record<string, unknown>,
  parent: Instance,
  again: () => void,
): string {
  const before = context._currentValue
  context._currentValue = props['value']
  try {
    return renderNode(props['children'] as React.ReactNode, parent, again)
  } finally {
    context._currentValue = before
  }
}

/** Components of one parent are told apart by their place; the tests render trees of one branch. */
function renderComponent(
  component: (props: object) => React.ReactNode,
  props: object,
  parent: Instance,
  again: () => void,
): string {
  const instance = parent.children[0] ?? newInstance()
  parent.children[0] = instance
  const before = internals.H
  internals.H = hooksOf(instance, again)
  let output: React.ReactNode
  try {
    output = component(props)
  } finally {
    internals.H = before
  }
  return renderNode(output, instance, again)
}

function hooksOf({ cells, unsubscribes }: Instance, again: () => void): object {
  let place = 0
  function useMemo(make: () => unknown, deps: readonly unknown[]): unknown {
    const cell = cells[place]
    const isSame = cell?.deps.length === deps.length && deps.every((dep, index) => Object.is(dep, cell.deps[index]))
    const value = isSame ? cell.value : make()
    cells[place++] = { deps, value }
    return value
  }
  return {
    useMemo,
    useContext: (context: { _currentValue: unknown }) => context._currentValue,
    useSyncExternalStore(subscribe: (listener: () => void) => () => void, getSnapshot: () => unknown) {
      useMemo(() => unsubscribes.push(subscribe(again)), [subscribe])
      return getSnapshot()
    },
  }
}
