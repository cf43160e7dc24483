/**
 * The hands there are: what can move exposure, and what each of them can do. An integration may read more options than
 * stand here; those that do stand here are typed, and a slip in their names is caught.
 */
import * as format from './formats.ts'
import type { Declaration, KeyDeclaration, Shape } from './shape.ts'
import { anyData, either, key, mapOf, text } from './shape.ts'

interface HandKind {
  /** False: it only rises. */
  readonly canLower: boolean
  /** True: it knows who a user is and can expose a segment; others split by share alone. */
  readonly canSelect: boolean
  /** The option that `- flag: NAME` stands for, and those that make its id. */
  readonly identifiedBy: readonly string[]
  readonly description: { readonly en: string; readonly ja: string }
  readonly options: Readonly<Record<string, KeyDeclaration>>
}

const option = (en: string, ja: string): KeyDeclaration => key(text(format.anyText), en, ja)
const time = (en: string, ja: string): KeyDeclaration => key(text(format.duration), en, ja)
const number = (en: string, ja: string): KeyDeclaration => key(text(format.integer(0, 100_000)), en, ja)
const data = (en: string, ja: string): KeyDeclaration => key(anyData, en, ja)

const proxy = {
  file: option('The configuration file', '設定ファイル'),
  upstream: option('The upstream or backend', 'アップストリーム'),
  stable: option('The address of the stable version', '現行版の宛先'),
  canary: option('The address of the new version', '新版の宛先'),
  verify: data('How to check the split from outside', '外から配分を確かめる方法'),
  timeout: time('Time for one change', '1 回の変更の時間'),
}

export const handKinds: Readonly<Record<string, HandKind>> = {
  flag: {
    canLower: true,
    canSelect: true,
    identifiedBy: ['name'],
    description: { en: 'a feature flag', ja: '機能フラグ' },
    options: { name: option('The flag', 'フラグの名前') },
  },
  nginx: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['name', 'upstream', 'file'],
    description: { en: 'weights of an nginx upstream', ja: 'nginx の重み' },
    options: { ...proxy, name: option('A name for the hand', '手の名前') },
  },
  haproxy: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['name', 'upstream', 'file'],
    description: { en: 'weights of an HAProxy backend', ja: 'HAProxy の重み' },
    options: { ...proxy, name: option('A name for the hand', '手の名前') },
  },
  istio: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['name', 'virtualService'],
    description: { en: 'routes of an Istio VirtualService', ja: 'Istio VirtualService の経路' },
    options: {
      name: option('A name for the hand', '手の名前'),
      namespace: option('The namespace', '名前空間'),
      virtualService: option('The VirtualService', 'VirtualService の名前'),
      route: option('The route', '経路'),
      always: option('A header that always sees the new version', '常に新版を見るヘッダー'),
    },
  },
  argo: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['rollout'],
    description: { en: 'an Argo Rollout', ja: 'Argo Rollout' },
    options: {
      rollout: option('The Rollout', 'Rollout の名前'),
      namespace: option('The namespace', '名前空間'),
      replicas: number('All replicas', '全レプリカ数'),
      virtualService: option('The VirtualService', 'VirtualService の名前'),
      route: option('The route', '経路'),
      scaleDownDelay: time('How long the old pods stay', '古い Pod を残す時間'),
      always: option('A header that always sees the new version', '常に新版を見るヘッダー'),
      timeout: time('Time for one change', '1 回の変更の時間'),
    },
  },
  kubernetes: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['stable'],
    description: { en: 'replicas of Kubernetes Deployments', ja: 'Kubernetes Deployment のレプリカ' },
    options: {
      namespace: option('The namespace', '名前空間'),
      stable: option('The stable Deployment', '現行版の Deployment'),
      canary: option('The canary Deployment', '新版の Deployment'),
      replicas: number('All replicas', '全レプリカ数'),
      method: option('rolling or blue-green', 'rolling か blue-green'),
      timeout: time('Time for one change', '1 回の変更の時間'),
    },
  },
  cloudflare: {
    canLower: true,
    canSelect: false,
    identifiedBy: ['worker'],
    description: { en: 'versions of a Cloudflare Worker', ja: 'Cloudflare Worker の版' },
    options: {
      worker: option('The Worker', 'Worker の名前'),
      method: option('gradual or blue-green', 'gradual か blue-green'),
      timeout: time('Time for one change', '1 回の変更の時間'),
    },
  },
  googlePlay: {
    canLower: false,
    canSelect: false,
    identifiedBy: ['package', 'track'],
    description: { en: 'a staged rollout on Google Play', ja: 'Google Play の段階的公開' },
    options: {
      package: option('The package', 'パッケージ名'),
      track: option('The track', 'トラック'),
      bundle: option('The file to upload', '送るファイル'),
    },
  },
  appStore: {
    canLower: false,
    canSelect: false,
    identifiedBy: ['app'],
    description: { en: 'a phased release on the App Store', ja: 'App Store の段階的リリース' },
    options: { app: option('The app', 'アプリ') },
  },
}

const role = key(
  text(format.choice('gate', 'copy', 'carrier')),
  'gate: open while exposure > 0 · copy: the same number · carrier: ready before, gone after',
  'gate: 公開中だけ開く · copy: 同じ率 · carrier: 先に備え、後で片付ける',
)

export function declareHand(kind: string): Declaration {
  const known = handKinds[kind]
  return {
    name: `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}Hand`,
    description: known?.description ?? { en: 'a hand', ja: '手' },
    keys: { ...known?.options, as: role },
    unknownKeys: 'refuseNearMisses',
  }
}

export const hand: Declaration = {
  name: 'Hand',
  description: { en: 'a hand: one integration and its options', ja: '手 (連携 1 つとその選択肢)' },
  keys: Object.fromEntries(
    Object.entries(handKinds).map(([kind, known]) => {
      const shape: Shape = either(
        text(format.freeName),
        mapOf(() => declareHand(kind)),
      )
      return [kind, key(shape, known.description.en, known.description.ja)]
    }),
  ),
  exactlyOne: { keys: Object.keys(handKinds), what: { en: 'integration', ja: '連携' } },
}
