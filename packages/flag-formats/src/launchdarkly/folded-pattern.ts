import { CannotFollow } from './cannot-follow.ts'

type Place = 'is' | 'startsWith' | 'endsWith' | 'contains'

/** Signs outside ASCII whose small letters begin with an ASCII letter: the Kelvin sign, and İ with its dot behind. */
const kelvin = '\u212a'
const dottedI = '\u0130'

/** A regular expression, in any dialect, for a text of ASCII in large or small letters. */
export function foldedPattern(text: string, place: Place): string {
  const isAscii = /^[\x20-\x7e]*$/.test(text)
  if (!isAscii) throw new CannotFollow('LaunchDarkly ignores no case, and letters outside ASCII have no plain pattern')
  const endsHere = place === 'is' || place === 'endsWith'
  const characters = [...text.toLowerCase()].map((character, index) =>
    foldedCharacter(character, !endsHere && index === text.length - 1),
  )
  const start = place === 'is' || place === 'startsWith' ? '^' : ''
  return `${start}${characters.join('')}${endsHere ? '$' : ''}`
}

function foldedCharacter(character: string, mayBeCut: boolean): string {
  if (!/[a-z]/.test(character)) return /[0-9 ]/.test(character) ? character : `\\${character}`
  const others = character === 'k' ? kelvin : character === 'i' && mayBeCut ? dottedI : ''
  return `[${character}${character.toUpperCase()}${others}]`
}
