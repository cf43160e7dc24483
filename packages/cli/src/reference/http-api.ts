interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly summary?: string; readonly tags?: readonly string[] }>>>
  >
}

/** One row per operation of the server's own description. */
export function renderHttpApi({ paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary = '', tags = [] }]) => ({
      path,
      method,
      summary,
      tag: tags[0] ?? '',
    })),
  )
  const tags = [...new Set(operations.map(({ tag }) => tag))].sort()
  return tags
    .flatMap(tag => operations.filter(operation => operation.tag === tag))
    .map(({ method, path, summary }) => `| \`${method.toUpperCase()} ${path}\` | ${summary.replaceAll('|', '\\|')} |`)
    .join('\n')
}
