import { PipelineError } from '../../core/index.ts'
import type { Topic } from '../log.ts'
import { kafkaPartition, kinesisHash, kinesisPartition } from '../partitioner.ts'
import type { CatalogTopic } from './catalog.ts'
import type { Segments } from './segments.ts'

export interface Partition {
  readonly topicId: number
  readonly topic: string
  readonly number: number
  /** The first offset that may be held. */
  start: number
  /** The offset after the last record on disk. */
  end: number
  /** The offset the next append gets; ahead of `end` while appends are being written. */
  next: number
  lastAppendMs: number
}

/** The topics of a log and where their partitions stand. */
export class Topics {
  readonly #topics = new Map<string, { topic: Topic; partitions: readonly Partition[] }>()
  #keyless = 0

  /** Take up a topic, its partitions as they are on disk; a topic that is known stays as it is. */
  open({ id, name, partitions, partitioner, createdMs, starts }: CatalogTopic, segments: Segments): Topic {
    const known = this.#topics.get(name)
    if (known) return known.topic
    const topic: Topic = { name, partitions, partitioner, createdMs }
    const numbers = Array.from({ length: partitions }, (_, number) =>
      openPartition(segments, id, name, number, starts?.[number] ?? 0),
    )
    this.#topics.set(name, { topic, partitions: numbers })
    return topic
  }

  remove(name: string): void {
    this.#topics.delete(name)
  }

  /** In order of name. */
  list(): Topic[] {
    return [...this.#topics.values()].map(({ topic }) => topic).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  partitions(): Partition[] {
    return [...this.#topics.values()].flatMap(({ partitions }) => partitions)
  }

  /** @throws TOPIC_UNKNOWN */
  topic(name: string): Topic {
    return this.#known(name).topic
  }

  /** @throws TOPIC_UNKNOWN, PARTITION_UNKNOWN */
  partition(name: string, number: number): Partition {
    const { partitions } = this.#known(name)
    const partition = partitions[number]
    if (partition) return partition
    throw new PipelineError(
      'PARTITION_UNKNOWN',
      `topic ${name} has no partition ${number}, but 0 to ${partitions.length - 1}`,
    )
  }

  /** @see Log.partitionFor @throws TOPIC_UNKNOWN */
  partitionFor(name: string, key: Buffer | null): number {
    const { partitions, partitioner } = this.topic(name)
    if (partitioner === 'kinesis') return kinesisPartition(kinesisHash(key ?? Buffer.alloc(0)), partitions)
    return key === null ? this.#keyless++ % partitions : kafkaPartition(key, partitions)
  }

  #known(name: string): { topic: Topic; partitions: readonly Partition[] } {
    const known = this.#topics.get(name)
    if (!known) throw new PipelineError('TOPIC_UNKNOWN', `there is no topic ${name}`)
    return known
  }
}

/** Where the lake keeps its own books, beside topics where these have no folder of their own. */
const reservedName = '_pinflow'

/** @throws TOPIC_NAME_INVALID */
export function refuseUnlessTopicName(name: string): void {
  if (name.toLowerCase() === reservedName)
    throw new PipelineError('TOPIC_NAME_INVALID', `${name} is a name that pinflow keeps for itself`)
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new PipelineError('TOPIC_NAME_INVALID', `${JSON.stringify(name)} cannot name a topic`)
}

/** @param first the partition's first offset when its topic was made */
function openPartition(
  segments: Segments,
  topicId: number,
  topic: string,
  number: number,
  first: number,
): Partition {
  const { newest } = segments
  // What came before the newest segment is told by its header: the older ones need not be looked at.
  const last = newest.last(topicId, number)
  const begun = newest.startOf(topicId, number)
  const end = Math.max(first, begun, last ? last.baseOffset + last.count : 0)
  const lastAppendMs = last?.appendTimeMs ?? newest.timeBefore(topicId, number)
  const start = Math.max(first, segments.startOf(topicId, number))
  return { topicId, topic, number, start, end, next: end, lastAppendMs }
}
