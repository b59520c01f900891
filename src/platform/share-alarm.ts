import type { Logger } from 'pino'
import type { DatasetCleaner } from '../clean/index.ts'
import { messageOf } from '../core/index.ts'
import { beginWatch, ShareWatch, shareText } from '../quarantine/index.ts'

/** Tells when too many of the newest records of a dataset are bad: once when that begins, once when it ends. */
export class ShareAlarm {
  readonly #percent: number
  readonly #logger: Logger
  readonly #watches = new Map<string, ShareWatch>()
  readonly #alarmed = new Set<string>()

  /** @param percent above which share of bad records it tells; 100: never */
  constructor(percent: number, logger: Logger) {
    this.#percent = percent
    this.#logger = logger
  }

  /** Look at what a stream has reached. What keeps it from being known is no failure of the stream. */
  async observe(cleaner: DatasetCleaner): Promise<void> {
    const { name, standing, pair } = cleaner
    if (!standing) return
    const watch = this.#watches.get(name) ?? new ShareWatch()
    this.#watches.set(name, watch)
    try {
      if (!watch.isBegun) await beginWatch(watch, pair.data)
    } catch (error) {
      this.#logger.warn({ worker: name }, `the history of ${name} cannot be read: ${messageOf(error)}`)
    }
    const { read, quarantined } = standing.account
    watch.observe({ generation: standing.generation, read, quarantined })
    this.#tell(name, watch)
  }

  /** What there is to be told of a stream; undefined where all is well. */
  alertOf(name: string): string | undefined {
    const watch = this.#watches.get(name)
    return watch?.isAbove(this.#percent) ? shareText(watch.share) : undefined
  }

  #tell(name: string, watch: ShareWatch): void {
    const isAbove = watch.isAbove(this.#percent)
    if (isAbove === this.#alarmed.has(name)) return
    const [, dataset] = name.split('.')
    const text = shareText(watch.share)
    if (isAbove) {
      this.#alarmed.add(name)
      this.#logger.warn(
        { worker: name },
        `${name}: ${text}; \`pinflow quarantine list ${dataset}\` shows them`,
      )
    } else {
      this.#alarmed.delete(name)
      this.#logger.info({ worker: name }, `${name}: ${text}, no longer above ${this.#percent} %`)
    }
  }
}
