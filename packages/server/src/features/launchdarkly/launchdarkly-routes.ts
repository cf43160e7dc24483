import type { Application } from '../../application.ts'
import type { Api } from '../../http/api.ts'
import { useLaunchDarklyRest } from './rest-routes.ts'
import { useLaunchDarklySdks } from './sdk-routes.ts'

/** For LaunchDarkly's own SDKs and for scripts that call its REST API, with nothing changed but the address. */
export function useLaunchDarkly(api: Api, app: Application): void {
  useLaunchDarklySdks(api, app)
  useLaunchDarklyRest(api, app)
}
