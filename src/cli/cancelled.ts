/** What a command ends with that Ctrl-C has ended: exit code 130, and nothing more to say. */
export class Cancelled extends Error {}

/**
 * Do what Ctrl-C ends in order: through `signal`, so that what works for it in other threads or processes ends too. A
 * second Ctrl-C ends the command at once.
 *
 * @throws Cancelled after Ctrl-C, whatever came of it
 */
export async function cancellable<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.once('SIGINT', onInterrupt)
  try {
    const result = await action(stop.signal)
    if (stop.signal.aborted) throw new Cancelled()
    return result
  } catch (error) {
    throw stop.signal.aborted ? new Cancelled() : error
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}
