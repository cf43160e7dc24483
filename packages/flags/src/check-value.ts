/** Checks of single values that every part of a flag is made of. */
export type Fields = Readonly<Record<string, unknown>>
export type Report = (path: string, found: unknown, expected: string) => void

export const textLengthMax = 256

export function checkList(
  path: string,
  list: unknown,
  lengthMax: number,
  report: Report,
  checkItem: (path: string, item: Fields) => void,
): void {
  if (!Array.isArray(list) || list.length > lengthMax) {
    report(path, list, `a list of at most ${lengthMax}`)
    return
  }
  for (const [index, item] of list.entries()) {
    if (isFields(item)) checkItem(`${path}[${index}]`, item)
    else report(`${path}[${index}]`, item, 'an object')
  }
}

/** True when what is in it can be looked at. */
export function checkRecord(path: string, found: unknown, most: number, what: string, report: Report): boolean {
  if (isFields(found) && Object.keys(found).length <= most) return true
  report(path, found, `an object of at most ${most} ${what}`)
  return false
}

export function checkTexts(path: string, found: unknown, most: number, what: string, report: Report): void {
  if (!isTexts(found, most)) report(path, found, `at most ${most} ${what}`)
}

export function checkShare(path: string, share: unknown, report: Report): void {
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) report(path, share, 'a number from 0 to 1')
}

export const isFields = (found: unknown): found is Fields =>
  typeof found === 'object' && found !== null && !Array.isArray(found)

export const isText = (found: unknown): found is string =>
  typeof found === 'string' && found.length > 0 && found.length <= textLengthMax

const isTexts = (found: unknown, lengthMax: number): boolean =>
  Array.isArray(found) && found.length <= lengthMax && found.every(text => typeof text === 'string')

export function shown(found: unknown): string {
  if (typeof found === 'string') return JSON.stringify(found.slice(0, 60))
  if (Array.isArray(found)) return `a list of ${found.length}`
  if (typeof found === 'object' && found !== null) return 'an object'
  return found === undefined ? 'nothing' : String(found)
}
