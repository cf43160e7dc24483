// Writes the generated parts of docs/reference: node packages/cli/src/reference/main.ts
import { startLocalServer } from '../testing/local-server.ts'
import { renderCommandLine } from './command-line.ts'
import { renderEvents } from './events.ts'
import { renderHttpApi } from './http-api.ts'
import { readPage, withGenerated, writePage } from './pages.ts'
import { renderPlanLanguage } from './plan-language.ts'

const local = await startLocalServer()
const answer = await fetch(`${local.url}/openapi.json`)
const description = (await answer.json()) as Parameters<typeof renderHttpApi>[0]
await local.close()

for (const [name, generated] of [
  ['plan-language.md', renderPlanLanguage()],
  ['cli.md', renderCommandLine()],
  ['events.md', renderEvents()],
  ['http-api.md', `| | |\n|---|---|\n${renderHttpApi(description)}`],
] as const) {
  writePage(name, withGenerated(readPage(name), generated))
  process.stdout.write(`wrote docs/reference/${name}\n`)
}
