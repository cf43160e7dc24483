/** v1.5.0 knows one switch; v1.6.0 one per kind of message and way, and no pushes at night. */
export interface NotificationSettings {
  readonly bookings: Ways
  readonly prices: Ways
  readonly shares: Ways
  readonly quietHours: { readonly from: number; readonly to: number } | null
}

export interface Ways {
  readonly push: boolean
  readonly email: boolean
}

export const defaultNotificationSettings: NotificationSettings = {
  bookings: { push: true, email: true },
  prices: { push: false, email: false },
  shares: { push: true, email: false },
  quietHours: null,
}

/** The one switch of v1.5.0, read from the finer settings: on when anything may be pushed. */
export function isAnyPushOn({ bookings, prices, shares }: NotificationSettings): boolean {
  return bookings.push || prices.push || shares.push
}

/** Setting the one switch: off silences every push; on brings back the defaults of what is pushed. */
export function withAllPushes(settings: NotificationSettings, isOn: boolean): NotificationSettings {
  const push = (kind: 'bookings' | 'prices' | 'shares') => isOn && defaultNotificationSettings[kind].push
  return {
    ...settings,
    bookings: { ...settings.bookings, push: push('bookings') },
    prices: { ...settings.prices, push: push('prices') },
    shares: { ...settings.shares, push: push('shares') },
  }
}
