/**
 * lmdb-js reports a failed commit to each `put`, and again through promises of its own that nobody can reach; those
 * would end the process as unhandled rejections. While a log is open they are let go, and only they.
 */
let openLogs = 0

/** @returns what ends it; call once */
export function tolerateLmdbRejections(): () => void {
  if (openLogs++ === 0) process.on('unhandledRejection', onRejection)
  return () => {
    if (--openLogs === 0) process.off('unhandledRejection', onRejection)
  }
}

function onRejection(reason: unknown): void {
  const fromLmdb =
    reason instanceof Error &&
    ('commitError' in reason || /[\\/]lmdb[\\/](dist|write)/.test(reason.stack ?? ''))
  if (fromLmdb) return
  // What Node does without a listener.
  setImmediate(() => {
    throw reason
  })
}
