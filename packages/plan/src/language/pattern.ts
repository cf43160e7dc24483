const compiled = new Map<string, RegExp>()

/** Patterns are text because they go into the JSON Schema; each is compiled once. */
export function fitsPattern(pattern: string, text: string): boolean {
  const known = compiled.get(pattern) ?? new RegExp(pattern, 'u')
  compiled.set(pattern, known)
  return known.test(text)
}
