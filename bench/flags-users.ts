export const workloads = ['share', 'rules', 'split'] as const
export type Workload = (typeof workloads)[number]

/** One way to answer; `contextOf` is done before the clock starts. Some clients answer with promises. */
export interface Contender extends Readonly<Record<Workload, (context: never) => unknown>> {
  readonly name: string
  contextOf(user: User): unknown
  close(): unknown
}

export interface User {
  readonly id: string
  readonly country: string
  readonly plan: string
  readonly email: string
  readonly appVersion: string
  readonly betaTester: boolean
}

/** Each rule matches 5 to 10 % of the users, so that most pass all five before a percentage decides. */
export const benchRules = {
  countries: ['NO', 'IS', 'LI'],
  plan: 'enterprise',
  emailEnd: '@triptrip.com',
  version: '5.0.0',
}

const countries = [
  'JP',
  'US',
  'DE',
  'FR',
  'GB',
  'KR',
  'TW',
  'BR',
  'IN',
  'NO',
  'CA',
  'AU',
  'ES',
  'IT',
  'SE',
  'NL',
  'MX',
  'IS',
  'LI',
  'PL',
]
const hosts = ['example.com', 'example.org', 'example.net', 'triptrip.com']

/** As they come from requests: parsed from JSON, one by one. */
export const benchUsers: readonly User[] = Array.from({ length: 10_000 }, (_, index) => {
  const number = (index * 7_919) % 10_007
  const user: User = {
    id: `user-${100_000 + index}`,
    country: countries[number % countries.length]!,
    plan: number % 11 === 0 ? benchRules.plan : number % 3 === 0 ? 'free' : 'professional',
    email: `person${number}@${hosts[number % 17 === 0 ? 3 : number % 3]}`,
    appVersion: `${number % 13 === 0 ? 5 : 1 + (number % 4)}.${number % 10}.${number % 7}`,
    betaTester: number % 19 === 0,
  }
  return JSON.parse(JSON.stringify(user))
})

/** How many a workload should let in, or deal the first variant. */
export function usersInside(workload: Workload): number {
  if (workload !== 'rules') return benchUsers.length / 4
  const matched = benchUsers.filter(matchesRule).length
  return matched + (benchUsers.length - matched) / 4
}

const matchesRule = ({ country, plan, email, appVersion, betaTester }: User): boolean =>
  benchRules.countries.includes(country) ||
  plan === benchRules.plan ||
  email.endsWith(benchRules.emailEnd) ||
  Number(appVersion.split('.')[0]) >= 5 ||
  betaTester
