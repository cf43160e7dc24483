import { Window } from 'happy-dom'
import { act, type ReactElement } from 'react'
import type { Root } from 'react-dom/client'

/** A component in the document of a browser that has no screen. */
export interface Mounted {
  readonly text: string
  update(element: ReactElement): Promise<void>
  /** Runs what changes state outside of React, and waits until it is on the page. */
  settle(change: () => unknown): Promise<void>
  unmount(): Promise<void>
}

export async function mount(element: ReactElement): Promise<Mounted> {
  const window = new Window()
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true })
  const { createRoot } = await import('react-dom/client')
  const container = window.document.createElement('div')
  const root: Root = createRoot(container as unknown as Element)
  const render = (shown: ReactElement): Promise<void> => act(async () => root.render(shown))
  await render(element)
  return {
    get text() {
      return container.textContent
    },
    update: render,
    settle: change => act(async () => void (await change())),
    async unmount() {
      await act(async () => root.unmount())
      await window.happyDOM.close()
    },
  }
}
