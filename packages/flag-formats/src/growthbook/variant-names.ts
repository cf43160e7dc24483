import type { JsonValue } from '@dankai/flags'
import { freeName } from '../sound-part.ts'

/** GrowthBook's values have no names; each value that is served gets one. */
export class VariantNames {
  readonly #names = new Map<string, string>()
  readonly #variants: Record<string, JsonValue> = {}
  readonly defaultName: string

  constructor(defaultValue: unknown) {
    this.defaultName = this.nameOf(defaultValue)
  }

  /** The name of a value; `suggested` is what its author calls it. */
  nameOf(value: unknown, suggested?: string | null): string {
    const found = (value ?? null) as JsonValue
    const text = JSON.stringify(found)
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const name = freeName(this.#variants, suggested || usualName(found))
    this.#names.set(text, name)
    this.#variants[name] = found
    return name
  }

  variants(): Readonly<Record<string, JsonValue>> {
    return this.#variants
  }

  /** What the exposure lets users in to, when there is something else than the default. */
  otherName(): string {
    const names = Object.keys(this.#variants)
    return (
      names.find(name => this.#variants[name] === true) ??
      names.find(name => name !== this.defaultName) ??
      this.defaultName
    )
  }
}

function usualName(value: JsonValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'string' && /^[\w.-]{1,40}$/.test(value) ? value : 'variant'
}
