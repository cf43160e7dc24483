import { HttpProblem } from './http-problem.ts'

/**
 * A server on the loopback address trusts whoever can reach it, and a web page in the same person's browser can: by a
 * form post (then Origin tells) or by a name that points at 127.0.0.1 (then Host tells). Both are refused.
 */
export function checkLocalRequest(host: string | null, origin: string | null): void {
  const hostname = host === null ? null : hostnameOf(`http://${host}`)
  if (hostname === null || !isLocalName(hostname))
    throw new HttpProblem(
      'forbidden',
      `Cannot answer without a key: found Host "${(host ?? '').slice(0, 100)}", expected localhost or 127.0.0.1. Use that address, or send a key.`,
    )
  if (origin === null) return
  const originName = hostnameOf(origin)
  if (originName === null || !isLocalName(originName) || new URL(origin).host !== host)
    throw new HttpProblem(
      'forbidden',
      `Cannot answer a page of another site: found Origin "${origin.slice(0, 100)}", expected http://${host}. Send a key.`,
    )
}

function hostnameOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null
}

const isLocalName = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
