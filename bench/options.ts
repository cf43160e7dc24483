/** `--name 12` or `--name=12` among the arguments of a bench. */
export function numberOption(args: readonly string[], name: string, whenAbsent: number): number {
  const index = args.findIndex(arg => arg === `--${name}` || arg.startsWith(`--${name}=`))
  if (index < 0) return whenAbsent
  const text = args[index]!.split('=')[1] ?? args[index + 1]
  const value = Number(text)
  if (text === undefined || !Number.isFinite(value) || value < 0)
    throw new Error(`Cannot use --${name}: found "${text ?? ''}", expected a number. Try: --${name} ${whenAbsent}`)
  return value
}
