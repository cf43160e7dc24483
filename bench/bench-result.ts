/** What one benchmark found: figures by name, with their unit in the name. */
export interface BenchResult {
  readonly bench: string
  readonly target: string
  readonly figures: Readonly<Record<string, number | string>>
}
