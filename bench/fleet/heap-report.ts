// Loaded into a measured server by --import: answers a message of the bench with what its memory is after a collection.
process.on('message', message => {
  if (message !== 'report memory') return
  ;(globalThis as { gc?: () => void }).gc?.()
  process.send?.(process.memoryUsage())
})
// Being asked is no reason to live.
process.channel?.unref()
