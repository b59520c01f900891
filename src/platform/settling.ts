import type { EpochLog } from '../lake/index.ts'
import type { Log } from '../log/index.ts'
import type { Streams } from './streams.ts'

/** Tells, when asked, whether what is in the log at this moment has been taken, landed and cleaned by streams. */
export function settling(
  log: Log,
  epochs: EpochLog,
  streams: Streams,
  { takes, landed }: { takes: (topic: string) => boolean; landed: () => number },
): () => boolean {
  let waiting = log
    .topics()
    .filter(({ name }) => takes(name))
    .flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic: name,
        partition,
        to: log.offsets(name, partition).end,
      })),
    )
  let taken: number | undefined
  let land: number | undefined
  return () => {
    waiting = waiting.filter(({ topic, partition, to }) => epochs.position(topic, partition) < to)
    if (waiting.length > 0) return false
    taken ??= epochs.newest
    const epoch = taken
    if (!epochs.openTakes.some((take) => take.epoch <= epoch)) land ??= epochs.newestLand
    return land !== undefined && landed() >= land && streams.reached(epoch)
  }
}
