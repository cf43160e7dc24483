/** A file of flagd: https://flagd.dev/schema/v0/flags.json */
import type { JsonValue } from '@dankai/flags'

export interface FlagdFile {
  readonly $schema?: string
  readonly flags: Readonly<Record<string, FlagdFlag>>
  readonly $evaluators?: Readonly<Record<string, JsonValue>>
  readonly metadata?: Readonly<Record<string, string | number | boolean>>
}

export interface FlagdFlag {
  readonly state: 'ENABLED' | 'DISABLED'
  readonly variants: Readonly<Record<string, JsonValue>>
  readonly defaultVariant: string | null
  readonly targeting?: JsonValue
  readonly metadata?: Readonly<Record<string, string | number | boolean>>
}

export const flagdSchema = 'https://flagd.dev/schema/v0/flags.json'
