import { compareVersions, parseVersion } from './version.ts'

export interface VersionConfig {
  readonly minimumVersion: string
  readonly recommendedVersion: string
  readonly forceUpdate: boolean
  readonly updateMessage: string
  readonly storeUrls: { readonly ios: string; readonly android: string }
}

export const versionConfig: VersionConfig = {
  minimumVersion: '1.5.0',
  recommendedVersion: '1.6.0',
  forceUpdate: true,
  updateMessage: '重要なセキュリティアップデートがあります。最新版に更新してください。',
  storeUrls: {
    ios: 'https://apps.apple.com/app/triptrip/id123456789',
    android: 'https://play.google.com/store/apps/details?id=com.triptrip.app',
  },
}

export interface VersionCheck {
  readonly forceUpdate: boolean
  readonly recommendedUpdate: boolean
  readonly message: string | null
  readonly storeUrl: string
  readonly minimumVersion: string
  readonly recommendedVersion: string
}

/**
 * Whether an app must or should update. A missing or malformed version asks for nothing: a client that sends no
 * header must never be locked out by it.
 */
export function assessAppVersion(
  clientVersion: string | undefined,
  platform: string | undefined,
  config: VersionConfig,
): VersionCheck {
  const known = clientVersion !== undefined && parseVersion(clientVersion) !== null
  const isTooOld = known && compareVersions(clientVersion, config.minimumVersion) < 0
  return {
    forceUpdate: isTooOld && config.forceUpdate,
    recommendedUpdate: known && compareVersions(clientVersion, config.recommendedVersion) < 0,
    message: isTooOld ? config.updateMessage : null,
    storeUrl: platform === 'ios' ? config.storeUrls.ios : config.storeUrls.android,
    minimumVersion: config.minimumVersion,
    recommendedVersion: config.recommendedVersion,
  }
}
