/**
 * A hint says "look again", never what changed: it may be late, doubled or lost. Whoever listens reads on from its own
 * cursor, and reads again after `reconnected`, because hints were lost while the listening connection was down.
 */
export type Hint =
  | { readonly kind: 'wake'; readonly releaseId: string }
  | {
      readonly kind: 'events'
      readonly releaseId: string
      readonly project: string
      readonly environment: string
      readonly seq: number
    }
  | { readonly kind: 'commands'; readonly lane: 'raise' | 'notify' | 'report' }
  | { readonly kind: 'hands'; readonly releaseId: string; readonly direction: 'raise' | 'lower' | 'same' }
  | { readonly kind: 'samples'; readonly project: string; readonly environment: string; readonly service: string }
  | { readonly kind: 'flags'; readonly project: string; readonly environment: string; readonly version: number }
  | { readonly kind: 'overlays'; readonly project: string; readonly environment: string }
  | { readonly kind: 'reconnected' }

export type Unsubscribe = () => void

export interface Hints {
  subscribe(listener: (hint: Hint) => void): Unsubscribe
}
