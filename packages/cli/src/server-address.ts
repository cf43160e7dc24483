import { type CommandEnd, misused } from './command-end.ts'
import type { Terminal } from './terminal.ts'

/** Where the servers are, and the key they want. */
export interface ServerAddress {
  /** Without a slash at the end; at least one. Several are instances of the same Dankai. */
  readonly urls: readonly [string, ...string[]]
  readonly key: string | null
}

const defaultUrl = 'http://localhost:4600'

/** DANKAI_URL (several are parted by commas) and DANKAI_API_KEY. */
export function readServerAddress({ environment }: Pick<Terminal, 'environment'>): ServerAddress {
  const [first = defaultUrl, ...others] = (environment['DANKAI_URL'] ?? '')
    .split(',')
    .map(text => text.trim())
    .filter(text => text !== '')
  return { urls: [readUrl(first), ...others.map(readUrl)], key: readKey(environment['DANKAI_API_KEY']?.trim() ?? '') }
}

function readUrl(text: string): string {
  if (!URL.canParse(text)) throw wrongUrl(text)
  const url = new URL(text)
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!/^https?:$/.test(url.protocol) || !isPlain) throw wrongUrl(text)
  return url.href.replace(/\/+$/, '')
}

/** Whatever stands before "@" may be a password. */
function wrongUrl(text: string): CommandEnd {
  const shown = text.replace(/\/\/.*@/su, '//…@').slice(0, 100)
  const next = { en: `Set it, or leave it out for ${defaultUrl}.`, ja: `設定するか、省いてください (${defaultUrl})。` }
  return misused(
    {
      cannot: 'use DANKAI_URL',
      found: `"${shown}"`,
      expected: 'an address such as https://dankai.example.com',
      next: next.en,
    },
    {
      cannot: 'DANKAI_URL を使えません',
      found: `"${shown}" があります`,
      expected: 'https://dankai.example.com のような宛先',
      next: next.ja,
    },
  )
}

/** A key with a line break or a blank in it was copied wrongly; a header could not carry it. */
function readKey(text: string): string | null {
  if (text === '') return null
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text
  throw misused(
    {
      cannot: 'use DANKAI_API_KEY',
      found: 'characters that no key has',
      expected: 'the key as it was shown',
      next: 'Copy it again.',
    },
    {
      cannot: 'DANKAI_API_KEY を使えません',
      found: 'キーにない文字があります',
      expected: '表示されたとおりのキー',
      next: 'もう一度写してください。',
    },
  )
}
