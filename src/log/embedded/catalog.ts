/**
 * The log's id and topics: `catalog.json`, with a checksum, replaced whole (temporary file, fsync, rename, fsync of the
 * folder).
 * Topic ids rise and are never used again, so a segment's keys mean one topic for ever. Neither are offsets: a name that
 * has had records keeps its ends here when its topic is deleted, and a topic of that name goes on there.
 * The newest segment that was used is noted here before its first batch: one that is empty or gone later has lost some.
 */
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isSystemError,
  LocalObjectStore,
  messageOf,
  openSealedJson,
  PipelineError,
  sealJson,
  syncPath,
} from '../../core/index.ts'
import type { Partitioner } from '../log.ts'

export interface CatalogTopic {
  id: number
  name: string
  partitions: number
  partitioner: Partitioner
  createdMs: number
  /** The first offset of each partition; absent: 0 everywhere. */
  starts?: readonly number[]
}

/** Offsets under a name that is no topic's now: they are not given out again. */
interface FormerTopic {
  /** The highest id that a topic of this name has had; 0 where it never was one of this log. */
  id: number
  name: string
  /** Of each partition, the offset to go on at. */
  ends: readonly number[]
}

interface CatalogContent {
  format: 1
  id: string
  /** The newest segment that batches may have been put into; absent: none. */
  segment?: number
  topics: readonly CatalogTopic[]
  former?: readonly FormerTopic[]
}

const key = 'catalog.json'

export class Catalog {
  readonly id: string
  readonly #folder: string
  readonly #store: LocalObjectStore
  /** What `catalog.json` holds, as far as this process knows. */
  #stored: Buffer
  /** Whether the volume takes names that differ in case alone for one. */
  readonly #isCaseBlind: boolean
  #segment: number
  #topics: readonly CatalogTopic[]
  #former: readonly FormerTopic[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(folder: string, store: LocalObjectStore, stored: Buffer, content: CatalogContent) {
    this.#isCaseBlind = isCaseBlind(folder)
    this.id = content.id
    this.#folder = folder
    this.#store = store
    this.#stored = stored
    this.#segment = content.segment ?? 0
    this.#topics = content.topics
    this.#former = content.former ?? []
  }

  /** Open the catalog of a folder, or make it. @throws LOG_DAMAGED */
  static async open(folder: string): Promise<Catalog> {
    await makeFolder(folder)
    const store = new LocalObjectStore(folder)
    await store.recover()
    const stored = await store.get(key)
    if (stored) return new Catalog(folder, store, stored, parse(folder, stored))
    // Under another id, topics made anew would be given the records of old ones.
    if ((await store.list('segments/')).some((object) => object.key.endsWith('.lmdb')))
      throw new PipelineError('LOG_DAMAGED', `${key} in ${folder} is missing, but segments are there`)
    const content: CatalogContent = { format: 1, id: randomUUID(), topics: [] }
    const sealed = Buffer.from(sealJson(content))
    await store.put(key, sealed)
    return new Catalog(folder, store, sealed, content)
  }

  get topics(): readonly CatalogTopic[] {
    return this.#topics
  }

  /** The newest segment that batches may have been put into: without it, or empty, it has lost them. */
  get segment(): number {
    return this.#segment
  }

  /** Remember, before a batch is put into it, that a segment is there. @throws LOG_FAILED, STORE_FULL, STORE_FAILED */
  useSegment(sequence: number): Promise<void> {
    return this.#inTurn(async () => {
      if (sequence > this.#segment) await this.#replace({ segment: sequence })
    })
  }

  /** The offset that a partition of a name which is no topic's now goes on at; 0 where it never was one. */
  formerEnd(name: string, partition: number): number {
    return this.#former.find((former) => former.name === name)?.ends[partition] ?? 0
  }

  /** Add a topic; it is listed only once it is on disk. @throws TOPIC_EXISTS, TOPIC_NAME_INVALID, LOG_FAILED */
  add(topic: Omit<CatalogTopic, 'id' | 'starts'>): Promise<CatalogTopic> {
    return this.#inTurn(async () => {
      const { name, partitions } = topic
      if (this.#topics.some((known) => known.name === name))
        throw new PipelineError('TOPIC_EXISTS', `topic ${name} exists`)
      this.#refuseSameFile(name)
      const id = 1 + Math.max(0, ...[...this.#topics, ...this.#former].map((known) => known.id))
      const starts = Array.from({ length: partitions }, (_, partition) => this.formerEnd(name, partition))
      const stored = { id, ...topic, ...(starts.some((start) => start > 0) && { starts }) }
      await this.#replace({ topics: [...this.#topics, stored] })
      return stored
    })
  }

  /** Take a topic out, and remember where its partitions end. @throws LOG_FAILED */
  remove(name: string, ends: readonly number[]): Promise<void> {
    return this.#inTurn(async () => {
      const { id } = this.#topics.find((known) => known.name === name) ?? { id: 0 }
      const others = this.#topics.filter((known) => known.name !== name)
      await this.#replace({ topics: others, former: this.#withFormer({ id, name, ends }) })
    })
  }

  /** Remember where the partitions of a name end that is no topic's. */
  remember(name: string, ends: readonly number[]): Promise<void> {
    return this.#inTurn(() => this.#replace({ former: this.#withFormer({ id: 0, name, ends }) }))
  }

  /** Objects of two topics would have one name. Those of a topic that was deleted stay. @throws TOPIC_NAME_INVALID */
  #refuseSameFile(name: string): void {
    if (!this.#isCaseBlind) return
    const other = [...this.#topics, ...this.#former].find(
      (known) => known.name !== name && known.name.toLowerCase() === name.toLowerCase(),
    )
    if (!other) return
    const message = `${name} differs in case alone from ${other.name}, a topic that is there or was, and the store does not tell them apart`
    throw new PipelineError('TOPIC_NAME_INVALID', message)
  }

  #withFormer({ id, name, ends }: FormerTopic): FormerTopic[] {
    const known = this.#former.find((former) => former.name === name) ?? { id: 0, ends: [] }
    const length = Math.max(ends.length, known.ends.length)
    const greatest = Array.from({ length }, (_, at) => Math.max(ends[at] ?? 0, known.ends[at] ?? 0))
    const others = this.#former.filter((former) => former.name !== name)
    return [...others, { id: Math.max(id, known.id), name, ends: greatest }]
  }

  async #replace({
    segment = this.#segment,
    topics = this.#topics,
    former = this.#former,
  }: Partial<CatalogContent>): Promise<void> {
    const content: CatalogContent = {
      format: 1,
      id: this.id,
      ...(segment > 0 && { segment }),
      topics,
      ...(former.length > 0 && { former }),
    }
    const sealed = Buffer.from(sealJson(content))
    await this.#store.put(key, sealed).catch((error: unknown) => this.#failed(error))
    this.#stored = sealed
    this.#segment = segment
    this.#topics = topics
    this.#former = former
  }

  /**
   * After a write that failed.
   *
   * @throws the error, where the file is what it was; LOG_FAILED where it may have become the new one: only opening it
   * anew tells what is on disk, and until then no record may be acknowledged
   */
  async #failed(error: unknown): Promise<never> {
    const found = await this.#store.get(key).catch(() => undefined)
    if (found?.equals(this.#stored)) throw error
    const message = `${key} in ${this.#folder} may have been written, or not: ${messageOf(error)}`
    throw new PipelineError('LOG_FAILED', message, { cause: error })
  }

  /** Calls wait for one another. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(action)
    this.#writing = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }
}

/** Asks for the catalog, which is there, by another name. @throws LOG_FAILED */
function isCaseBlind(folder: string): boolean {
  const fileOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.ino
  try {
    return fileOf(key) === fileOf(key.toUpperCase())
  } catch (error) {
    throw new PipelineError('LOG_FAILED', `${key} in ${folder} cannot be looked at: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncPath(`${folder}/..`)
  } catch (error) {
    const code = isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'LOG_FULL' : 'LOG_FAILED'
    throw new PipelineError(code, `the log in ${folder} cannot be made: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function parse(folder: string, stored: Buffer): CatalogContent {
  try {
    const content = openSealedJson(stored) as CatalogContent
    if (content.format === 1) return content
    throw new Error(`unknown format ${content.format}`)
  } catch (error) {
    throw new PipelineError('LOG_DAMAGED', `catalog.json in ${folder}: ${messageOf(error)}`, { cause: error })
  }
}
