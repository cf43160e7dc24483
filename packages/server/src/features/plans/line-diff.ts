/** The difference of two texts by lines, as people know it from version control: "-" gone, "+" new, with context. */
const contextLines = 3
/** The table has one cell for each pair of lines; two thousand lines are more than any document has. */
const linesMax = 2_000

type Line = { readonly sign: ' ' | '-' | '+'; readonly text: string }

export function diffLines(before: string, after: string): string[] {
  if (before === after) return []
  const old = linesOf(before)
  const now = linesOf(after)
  if (old.length > linesMax || now.length > linesMax) return [`~ ${old.length} lines became ${now.length}`]
  return withContext(walk(old, now, commonLengths(old, now)))
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

/** lengths[i][j]: how many lines old[i…] and now[j…] have in common, in order. */
function commonLengths(old: readonly string[], now: readonly string[]): Uint16Array[] {
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1))
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i]![j] =
        old[i] === now[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  return lengths
}

function walk(old: readonly string[], now: readonly string[], lengths: readonly Uint16Array[]): Line[] {
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ sign: ' ', text: old[i]! })
      i++
      j++
    } else if (j >= now.length || (i < old.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      lines.push({ sign: '-', text: old[i++]! })
    } else {
      lines.push({ sign: '+', text: now[j++]! })
    }
  }
  return lines
}

function withContext(lines: readonly Line[]): string[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ sign }) => sign !== ' '),
  )
  return lines.flatMap(({ sign, text }, index) => {
    if (near[index]) return [`${sign} ${text}`]
    return near[index - 1] ? ['…'] : []
  })
}
