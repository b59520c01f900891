import type { LandEntry } from './entry.ts'

interface Repeated {
  land: number
  timeMs: number
  /** Epochs, in order. */
  takes: number[]
}

/** How the entries of the store are looked at. */
export interface EntryStore {
  landEntry(epoch: number): Promise<LandEntry>
  exists(epoch: number): Promise<boolean>
  delete(epoch: number): Promise<void>
}

/**
 * The lands whose takes may still be in the store, oldest first. Takes are deleted oldest first, so that a land whose
 * last take is gone has none left, and neither has any before it.
 */
export class RepeatedTakes {
  #lands: Repeated[] = []
  #searched = false

  add(land: LandEntry): void {
    this.#lands.push(repeatedBy(land))
  }

  /** Delete the takes of lands below one and no younger than a time. @returns how many */
  async delete(store: EntryStore, below: number, timeMs: number): Promise<number> {
    if (!this.#searched) await this.#search(store)
    let deleted = 0
    for (const { land, timeMs: landMs, takes } of [...this.#lands]) {
      if (land >= below || landMs > timeMs) break
      for (const take of takes) {
        await store.delete(take)
        deleted++
      }
      this.#lands.shift()
    }
    return deleted
  }

  /** Find the lands before those that are known; each says by its takes where the one before it is. */
  async #search(store: EntryStore): Promise<void> {
    const found: Repeated[] = []
    let above = this.#lands[0]
    while (above) {
      const epoch = (above.takes[0] ?? above.land) - 1
      above = epoch > 0 ? repeatedBy(await store.landEntry(epoch)) : undefined
      const last = above?.takes.at(-1)
      if (last !== undefined && !(await store.exists(last))) break
      if (above) found.unshift(above)
    }
    this.#lands.unshift(...found)
    this.#searched = true
  }
}

function repeatedBy({ epoch, timeMs, takes }: LandEntry): Repeated {
  return { land: epoch, timeMs, takes: takes.map((take) => take.epoch) }
}
