import { get } from 'node:http'

export interface Health {
  readonly isHealthy: boolean
  /** As the upstream names itself; null when it did not answer. */
  readonly version: string | null
}

/** Asks `/health` once, on a connection of its own: a pooled one would hide a process that takes no new ones. */
export function probeHealth(upstream: URL, timeoutMs: number): Promise<Health> {
  return new Promise(resolve => {
    const dead = () => resolve({ isHealthy: false, version: null })
    const request = get(
      new URL('/health', upstream),
      { agent: false, signal: AbortSignal.timeout(timeoutMs) },
      answer => {
        const version = answer.headers['x-served-version']
        answer
          .resume()
          .on('error', dead)
          .on('end', () =>
            resolve({ isHealthy: answer.statusCode === 200, version: typeof version === 'string' ? version : null }),
          )
      },
    )
    request.on('error', dead)
  })
}

export interface ProbeLoop {
  stop(): void
}

/** Probes now and then every `everyMs`, never two at a time. */
export function startProbing({
  upstream,
  everyMs,
  timeoutMs,
  onHealth,
}: {
  readonly upstream: URL
  readonly everyMs: number
  readonly timeoutMs: number
  readonly onHealth: (health: Health) => void
}): ProbeLoop {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const probe = async () => {
    const health = await probeHealth(upstream, timeoutMs)
    if (isStopped) return
    onHealth(health)
    timer = setTimeout(probe, everyMs)
  }
  void probe()
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
