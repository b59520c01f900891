import { type CleanedRecord, type CleaningPath, RecordCleaner } from '../clean/index.ts'
import type { Engine } from '../engine/index.ts'
import { EpochReader, type EpochRecord } from '../lake/index.ts'
import { columnsPassedOn, type Dataset } from '../pipeline/index.ts'
import type { CatalogTable, PipelineParts } from '../query/index.ts'
import type { KeptRefusal } from '../refusals/index.ts'

/** How the cleaning of a dataset stands. */
export interface CleaningState {
  state: string
  error?: string
}

export interface TraceParts extends PipelineParts {
  temporaryFolder: string
  /** Whether records are taken, landed and cleaned meanwhile. */
  running: boolean
  /** Within how long a record is taken, and lands after that, while it is. */
  takeMs: number
  landMs: number
  /** Patterns of the topics that are taken. */
  takenTopics: readonly string[]
  cleaning(path: CleaningPath, dataset: string): CleaningState | undefined
  /** What front doors have refused: as far as it is kept, newest first, and how many requests beside. */
  refusals(): Promise<{ kept: KeptRefusal[]; others: number }>
  /** Nobody waits any more. */
  signal: AbortSignal
  nowMs: number
}

/** A dataset, with what tracing makes again and again. */
export interface TracedDataset {
  dataset: Dataset
  topics: ReadonlySet<string>
  cleaner: RecordCleaner
  /** Columns of its rows that are as they came, in lower case. */
  passedOn: ReadonlySet<string>
}

/** Checking and binding a cleaning text takes longer than all the rest of a trace. */
const opened = new WeakMap<Engine, Map<string, Promise<TracedDataset>>>()

/** What one trace works with; a record is cleaned once. */
export class Tracer {
  readonly parts: TraceParts
  readonly reader: EpochReader
  /** Records that rows were made of, by dataset and key. */
  readonly makers = new Map<string, Promise<EpochRecord | undefined>>()
  readonly #cleaned = new Map<string, CleanedRecord>()

  constructor(parts: TraceParts) {
    this.parts = parts
    this.reader = new EpochReader(parts)
  }

  /** The dataset that reads a topic. */
  datasetOf(topic: string): Dataset | undefined {
    return this.parts.pipeline.datasets.find(({ topics }) => topics.some(({ name }) => name === topic))
  }

  traced(dataset: Dataset): Promise<TracedDataset> {
    const { engine } = this.parts
    const ofEngine = opened.get(engine) ?? new Map<string, Promise<TracedDataset>>()
    opened.set(engine, ofEngine)
    const known = ofEngine.get(dataset.name)
    if (known) return known
    const traced = this.#open(dataset)
    ofEngine.set(dataset.name, traced)
    traced.catch(() => ofEngine.delete(dataset.name))
    return traced
  }

  /** What the present definition makes of records of a dataset's topics, in their order. */
  async clean({ cleaner }: TracedDataset, records: readonly CleanedPlace[]): Promise<CleanedRecord[]> {
    const keyOf = ({ topic, partition, offset }: CleanedPlace) => `${topic}/${partition}/${offset}`
    const unknown = records.filter((record) => !this.#cleaned.has(keyOf(record)))
    const cleaned = unknown.length > 0 ? await cleaner.clean(unknown.map(({ value }) => value)) : []
    for (const [at, record] of unknown.entries()) this.#cleaned.set(keyOf(record), cleaned[at]!)
    return records.map((record) => this.#cleaned.get(keyOf(record))!)
  }

  table(dataset: string, path: CleaningPath, kind: 'data' | 'quarantine'): CatalogTable {
    const found = this.parts.catalog.find(
      (entry) => entry.dataset === dataset && entry.path === path && entry.kind === kind,
    )
    if (found) return found
    throw new TypeError(`there is no ${kind} table ${path}.${dataset}`)
  }

  async #open(dataset: Dataset): Promise<TracedDataset> {
    const { engine, pipeline, temporaryFolder } = this.parts
    const { datasets } = pipeline
    const cleaner = await RecordCleaner.open({ engine, dataset, datasets, temporaryFolder })
    const passedOn = await engine.with((session) => columnsPassedOn(session, dataset))
    return { dataset, topics: new Set(dataset.topics.map(({ name }) => name)), cleaner, passedOn }
  }
}

/** A record by its place. */
interface CleanedPlace {
  topic: string
  partition: number
  offset: number
  value: Buffer | null
}
