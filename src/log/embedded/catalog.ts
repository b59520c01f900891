/**
 * The log's id and topics: `catalog.json`, replaced whole (temporary file, fsync, rename, fsync of the folder).
 * Topic ids rise and are never used again, so a segment's keys mean one topic for ever.
 */
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { LocalObjectStore, messageOf, PipelineError, syncPath } from '../../core/index.ts'
import type { Partitioner } from '../log.ts'

export interface CatalogTopic {
  id: number
  name: string
  partitions: number
  partitioner: Partitioner
  createdMs: number
}

interface CatalogContent {
  format: 1
  id: string
  topics: CatalogTopic[]
}

const key = 'catalog.json'

export class Catalog {
  readonly id: string
  readonly #store: LocalObjectStore
  readonly #topics: CatalogTopic[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(store: LocalObjectStore, content: CatalogContent) {
    this.id = content.id
    this.#store = store
    this.#topics = content.topics
  }

  /** Open the catalog of a folder, or make it. @throws LOG_DAMAGED */
  static async open(folder: string): Promise<Catalog> {
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncPath(`${folder}/..`)
    const store = new LocalObjectStore(folder)
    await store.recover()
    const stored = await store.get(key)
    if (stored) return new Catalog(store, parse(folder, stored))
    // Under another id, topics made anew would be given the records of old ones.
    if ((await store.list('segments/')).some((object) => object.key.endsWith('.lmdb')))
      throw new PipelineError('LOG_DAMAGED', `${key} in ${folder} is missing, but segments are there`)
    const content: CatalogContent = { format: 1, id: randomUUID(), topics: [] }
    await store.put(key, Buffer.from(JSON.stringify(content)))
    return new Catalog(store, content)
  }

  get topics(): readonly CatalogTopic[] {
    return this.#topics
  }

  /** Add a topic; it is listed only once it is on disk. Calls wait for one another. */
  async add(topic: Omit<CatalogTopic, 'id'>): Promise<CatalogTopic> {
    const added = this.#writing.then(async () => {
      if (this.#topics.some(({ name }) => name === topic.name)) {
        throw new PipelineError('TOPIC_EXISTS', `topic ${topic.name} exists`)
      }
      const id = 1 + Math.max(0, ...this.#topics.map((known) => known.id))
      const stored = { id, ...topic }
      const content: CatalogContent = { format: 1, id: this.id, topics: [...this.#topics, stored] }
      await this.#store.put(key, Buffer.from(JSON.stringify(content)))
      this.#topics.push(stored)
      return stored
    })
    this.#writing = added.then(
      () => undefined,
      () => undefined,
    )
    return added
  }
}

function parse(folder: string, stored: Buffer): CatalogContent {
  try {
    const content = JSON.parse(stored.toString()) as CatalogContent
    if (content.format === 1) return content
    throw new Error(`unknown format ${content.format}`)
  } catch (error) {
    throw new PipelineError('LOG_DAMAGED', `catalog.json in ${folder}: ${messageOf(error)}`, { cause: error })
  }
}
