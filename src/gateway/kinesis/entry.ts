import { kinesisPartition, type Topic } from '../../log/index.ts'
import type { Placed } from '../append.ts'
import type { GatewayContext } from '../context.ts'
import { kinesisRefusal } from './door.ts'

/** A record of PutRecord or PutRecords. */
export interface Entry {
  PartitionKey: string
  ExplicitHashKey?: string
  Data: Buffer
}

/**
 * An entry as a record of the log: the partition key is the record's key; the hash key, when given, picks the shard
 * in its place.
 *
 * @throws InvalidArgumentException for a hash key beyond 2^128 − 1
 */
export function placeEntry({ log }: GatewayContext, { name, partitions }: Topic, entry: Entry): Placed {
  const key = Buffer.from(entry.PartitionKey)
  const record = { key, value: entry.Data }
  if (entry.ExplicitHashKey === undefined) return { partition: log.partitionFor(name, key), record }
  const hash = BigInt(entry.ExplicitHashKey)
  if (hash >= 2n ** 128n) {
    const message =
      'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
      `Specified value was ${entry.ExplicitHashKey}`
    throw kinesisRefusal('InvalidArgumentException', message)
  }
  return { partition: kinesisPartition(hash, partitions), record }
}
