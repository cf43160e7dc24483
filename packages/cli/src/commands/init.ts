import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Context, print } from '../context.ts'
import { CommandEnd, exitCode } from '../exit-code.ts'

const plan = `kind: ReleasePlan
name: NAME
title: First plan
service: NAME

exposure:
  - flag: NAME-new                  # splits the users: sticky, and once in, never out

metrics:                            # samples sent to Dankai by the SDK or OpenTelemetry
  error_rate: { ratio: http_requests(status=5xx) / http_requests }
  p99_latency: { p99: http_duration, unit: ms }

promoteWhen:                        # judged after each hold; all must hold
  - error_rate <= 1%

rollbackWhen:                       # watched in every phase; any one fires
  - { name: Error Rate Spike, if: error_rate > 5% for 2m, then: rollback now }
  - { name: Latency, if: p99_latency > 5000ms for 5m, then: rollback now }

phases:
  - { name: canary, expose: 5%,   hold: 10m }
  - { name: half,   expose: 50%,  hold: 30m }
  - { name: all,    expose: 100%, hold: 1h }

rollback:
  - { name: expose nobody, within: 5m, do: [{ expose: 0% }] }
followUp:
  - { confirm: Find the cause, within: 24h, by: tech-lead }
`

const scenarios = `kind: Scenarios
plan: NAME
scenarios:
  - name: a good release reaches everybody
    expect: [{ never: RollbackStarted }, { outcome: completed }]
  - name: errors just above 5 % for two minutes take everybody back
    script: [{ at: canary + 1m, error_rate: 5.01% }]
    expect:
      - { at: canary + 3m, event: RollbackStarted, because: Error Rate Spike }
      - { by: canary + 8m, exposure: 0% }
  - name: exactly 5 % does not
    script: [{ at: canary + 1m, error_rate: 5%, for: 5m }]
    expect: [{ never: RollbackStarted }]
`

/** Writes a plan that runs, and tests of it that pass. Never overwrites anything. */
export async function initPlan(context: Context, name: string): Promise<void> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new CommandEnd(
      exitCode.usage,
      `Cannot make plan "${name}": found other characters, expected lower-case letters, digits and "-". Choose such a name.`,
    )
  }
  const folder = join(context.terminal.workingFolder, 'plans', name)
  const files = [
    [join(folder, 'plan.yaml'), plan],
    [join(folder, 'scenarios', 'scenarios.yaml'), scenarios],
  ] as const
  const taken = files.find(([path]) => existsSync(path))
  if (taken)
    throw new CommandEnd(
      exitCode.no,
      `Cannot make plan "${name}": found "${taken[0]}" already, expected no such file. Choose another name.`,
    )
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text.replaceAll('NAME', name))
  }
  const written = files.map(([path]) => path)
  print(context, { plan: name, files: written }, () => [
    ...written.map(path => `wrote ${path}`),
    `Try it: dankai test plans/${name}`,
  ])
}
