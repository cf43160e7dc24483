/**
 * Pages of other sites may ask here, because they must send a key: no cookie speaks for them. Without a key, on a
 * loopback address, they are refused before (`checkLocalRequest`).
 */
export const allowPages: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'etag, retry-after',
}

/** The answer to a page that asks whether it may ask. */
export function allowAsking(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...allowPages,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': '*, authorization',
      'access-control-max-age': '86400',
    },
  })
}
