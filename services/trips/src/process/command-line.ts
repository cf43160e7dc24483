import { parseArgs } from 'node:util'
import type { z } from 'zod'

/**
 * Reads `--name value` flags, with `PREFIX_NAME` of the environment as the second choice, and checks them. Wrong usage
 * ends the process with 2 and one line that says what was found.
 */
export function readCommandLine<T extends z.ZodObject>(schema: T, prefix: string): z.infer<T> {
  const checked = schema.safeParse(readOptions(Object.keys(schema.shape), prefix))
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  return endWithUsage(`Cannot read "--${issue?.path.join('.')}": ${issue?.message}.`)
}

function readOptions(names: readonly string[], prefix: string): Record<string, string> {
  const options = Object.fromEntries(names.map(name => [name, { type: 'string' as const }]))
  try {
    const { values } = parseArgs({ options, strict: true })
    return { ...environmentOptions(names, prefix), ...(values as Record<string, string>) }
  } catch (error) {
    return endWithUsage(`Cannot read the command line: ${(error as Error).message}`)
  }
}

function environmentOptions(names: readonly string[], prefix: string): Record<string, string> {
  const found = names.map(name => [name, process.env[`${prefix}_${name.replaceAll('-', '_').toUpperCase()}`]])
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

function endWithUsage(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
