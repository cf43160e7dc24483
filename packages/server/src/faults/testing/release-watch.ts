import type { Event } from '@dankai/core'
import { adminKey } from '../../testing/test-server.ts'
import { patienceMs, pause } from './deadline.ts'

interface Status {
  readonly stage: string
  readonly waitingOn: readonly { readonly kind: string }[]
}

/** A release as its timeline tells it, followed through the death of instances and the end of streams. */
export class ReleaseWatch {
  readonly events: Event[] = []
  status: Status = { stage: 'starting', waitingOn: [] }
  readonly #id: string
  readonly #urls: () => readonly string[]
  readonly #closing = new AbortController()
  readonly #waiting = new Set<() => void>()
  readonly #running: Promise<void>

  constructor(id: string, urls: () => readonly string[]) {
    this.#id = id
    this.#urls = urls
    this.#running = this.#follow()
  }

  has(type: Event['body']['type']): boolean {
    return this.events.some(({ body }) => body.type === type)
  }

  get isOver(): boolean {
    return this.has('RolledBack') || this.has('Contained') || this.has('Completed')
  }

  /** Resolves when something told makes it so. */
  async until(what: string, isSo: (watch: ReleaseWatch) => boolean): Promise<void> {
    const startedAt = performance.now()
    while (!isSo(this)) {
      const left = patienceMs - (performance.now() - startedAt)
      if (left <= 0) throw new Error(`${what}: not so within ${patienceMs / 1_000} s; found ${this.#found()}`)
      await this.#news(left)
    }
  }

  /** Calls back for every event told from now on, and those told before. */
  onEvent(callback: (event: Event) => void): void {
    let told = 0
    const tell = (): void => {
      for (const event of this.events.slice(told)) callback(event)
      told = this.events.length
      this.#waiting.add(tell)
    }
    tell()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  #news(withinMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(done, withinMs)
      const waiting = this.#waiting
      function done(): void {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      waiting.add(done)
    })
  }

  async #follow(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      const urls = this.#urls()
      try {
        await this.#read(urls[attempt % urls.length]!)
      } catch {
        // The instance died or is not up yet; the next one, or the same, goes on after the last event.
      }
      if (!this.#closing.signal.aborted) await pause()
    }
  }

  async #read(url: string): Promise<void> {
    const response = await fetch(`${url}/v1/releases/${this.#id}/timeline?since=${this.events.at(-1)?.seq ?? 0}`, {
      headers: { authorization: `Bearer ${adminKey}` },
      signal: this.#closing.signal,
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    let rest = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) this.#take(block)
    }
  }

  #take(block: string): void {
    const name = /^event: (.*)$/m.exec(block)?.[1]
    const data = /^data: (.*)$/m.exec(block)?.[1] ?? '{}'
    if (name === 'event') {
      const event = JSON.parse(data) as Event
      if (event.seq <= (this.events.at(-1)?.seq ?? 0)) return
      this.events.push(event)
    } else if (name === 'status') this.status = (JSON.parse(data) as { status: Status }).status
    else return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const tell of waiting) tell()
  }

  #found(): string {
    const events = this.events.map(({ body }) => body.type).join(' ')
    return `${this.status.stage}, waiting for ${JSON.stringify(this.status.waitingOn)}, after ${events}`
  }
}
