import { type CompiledPlan, verbs } from '@dankai/plan'
import { createEngine, type Engine, type EngineHint } from '../engine.ts'
import type { EngineStore } from '../engine-options.ts'
import type { HandMover } from '../ports.ts'
import type { EngineSettings } from '../settings.ts'
import { type BenchStore, type BenchStoreFactory, memoryBenchStore } from './memory-store.ts'
import { TestFaults, TestHand, TestRunner, TestSource, VirtualClock } from './test-world.ts'

/** One store, one world, any number of engines on one virtual clock. */
export class TestBench {
  readonly clock: VirtualClock
  readonly bench: BenchStore
  readonly source = new TestSource()
  readonly flag = new TestHand('flag')
  readonly hands: HandMover[] = [this.flag]
  readonly runner = new TestRunner(['run', 'sql', 'http', 'flags'])
  readonly notifier = new TestRunner(['notify'])
  readonly engines: { readonly engine: Engine; readonly faults: TestFaults }[] = []
  readonly settings: Partial<EngineSettings>
  /** Turns of the event loop a tick may take. */
  patience = Number.POSITIVE_INFINITY
  readonly #ticks = new Map<Engine, Promise<number | null>>()
  #names = 0

  constructor(clock: VirtualClock, bench: BenchStore, settings: Partial<EngineSettings>) {
    this.clock = clock
    this.bench = bench
    this.settings = settings
    this.bench.subscribe(hint => this.#tell(hint))
  }

  static async open(
    settings: Partial<EngineSettings> = {},
    createStore: BenchStoreFactory = memoryBenchStore,
  ): Promise<TestBench> {
    const clock = new VirtualClock()
    return new TestBench(clock, await createStore(() => clock.time), settings)
  }

  engine(faults = new TestFaults(), store: EngineStore = this.bench.store): Engine {
    this.#names++
    const engine = createEngine({
      store: faults.mortalStore(store),
      clock: faults.mortal({ now: this.clock.now }),
      observations: faults.mortal(this.source),
      movers: this.hands.map(hand => faults.mortal(hand)),
      runners: [faults.mortal(this.runner), faults.mortal(this.notifier)],
      instance: `instance-${this.#names}`,
      faults,
      settings: this.settings,
      random: () => 0.5,
      timers: (afterMs, callback) => this.clock.timers(afterMs, () => faults.isDead || callback()),
      monotonic: this.clock.monotonic,
    })
    this.engines.push({ engine, faults })
    return engine
  }

  async create(engine: Engine, plan: CompiledPlan): Promise<string> {
    const created = await engine.create({
      project: 'default',
      environment: 'production',
      plan,
      planDigest: 'digest',
      version: '2.0.0',
      labels: [],
      by: 'hanako',
      exemption: null,
      supports: {
        verbs,
        hands: this.hands.map(hand => hand.kind),
        channels: ['*'],
      },
    })
    if (!created.ok) throw new Error(JSON.stringify(created))
    return created.id
  }

  /** Ticks every living engine at every moment something is due, until the time is over. */
  async runFor(ms: number, atMostStepMs = Number.POSITIVE_INFINITY): Promise<void> {
    const end = this.clock.time + ms
    for (;;) {
      const next = Math.min(end, this.clock.time + atMostStepMs, ...(await this.tickAll()))
      if (this.clock.time >= end) return
      this.clock.moveTo(Math.max(next, this.clock.time + 1))
    }
  }

  /** One tick of each; what an engine says is due next, and the timers of calls that hang. */
  async tickAll(): Promise<number[]> {
    const times: number[] = []
    for (const { engine, faults } of this.engines) {
      const at = await this.tick(engine, faults)
      if (at !== null) times.push(at)
    }
    const timer = this.clock.nextTimer()
    return timer === null ? times : [...times, timer]
  }

  /** A tick that dies never answers, and one whose store hangs goes on when time does; the bench notices both. */
  async tick(engine: Engine, faults: TestFaults): Promise<number | null> {
    if (faults.isDead) return null
    const tick = this.#ticks.get(engine) ?? this.#startTick(engine)
    for (let turn = 0; turn < this.patience; turn++) {
      const pause = new Promise<'pause'>(resolve => setImmediate(() => resolve('pause')))
      const at = await Promise.race([tick, pause])
      if (at !== 'pause') return at
      if (faults.isDead) return null
    }
    return null
  }

  #startTick(engine: Engine): Promise<number | null> {
    const tick = engine
      .tick()
      .catch(() => null)
      .finally(() => this.#ticks.delete(engine))
    this.#ticks.set(engine, tick)
    return tick
  }

  async events(id: string): Promise<readonly string[]> {
    return (await this.bench.eventsOf(id)).map(event => event.body.type)
  }

  async stage(id: string): Promise<string> {
    return (await this.bench.stateOf(id)).lifecycle.kind
  }

  #tell(hint: EngineHint): void {
    for (const { engine, faults } of this.engines) if (!faults.isDead) engine.hear(hint)
  }
}
