/**
 * A release with one of everything that can be lost or doubled: a keyed call, an approval and a program of class `ask`
 * before it, a hand that is raised twice, a rule, a call and a message on the way back.
 */
export const planName = 'journey'
export const flagName = 'journey-flag'
export const serviceName = 'trips'

export const planText = `kind: ReleasePlan
name: ${planName}
service: ${serviceName}
exposure:
  - flag: { name: ${flagName} }
metrics:
  error_rate: { ratio: http_requests(status=5xx) / http_requests, every: 1s, minSamples: 10 }
before:
  - { name: warm-up, http: POST receiver/warm-up/$version }
  - { approve: release-managers }
  - { name: migrate, run: "mkdir '$version'", onFail: ask admin }
phases:
  - { name: canary, expose: 10%, hold: 1s }
  - { name: half, expose: 50%, hold: 1h }
rollbackWhen:
  - { name: Error Rate Spike, if: error_rate > 5%, then: rollback now }
rollback:
  - name: back
    within: 5m
    do:
      - { expose: 0% }
      - { name: undo, http: PUT receiver/undo/$version }
channels:
  people: "slack:#people"
notify:
  rollbackStarted: [{ send: gone-back, to: people }]
---
kind: Template
name: gone-back
ja: { title: "{{ version }}", body: "{{ reason }}" }
en: { title: "{{ version }}", body: "{{ reason }}" }
`

/** What the receiver must have done once by the end of a release of this plan. */
export const effectsOf = (version: string): readonly string[] => [
  `POST /warm-up/${version}`,
  `PUT /undo/${version}`,
  `POST /message ${version}`,
]
