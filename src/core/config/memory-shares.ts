/** What parts of the platform may hold of its memory, in bytes. */
export interface MemoryShares {
  /** The SQL engine that cleans, verifies and keeps tables. */
  engineBytes: number
  /** The SQL engine of a question, in a process of its own. */
  questionBytes: number
  /** An answer that is held as a whole, and one row of any. */
  answerBytes: number
  /** Request bodies under way. A body's records are held three times until they are on disk. */
  inFlightBytes: number
}

/**
 * Shares of the memory that the platform may take. More than half is left for what no setting bounds but the size of
 * groups and of reads: the heap with its garbage, buffers of reads and writes, connections, the key index.
 */
export function memoryShares(capBytes: number): MemoryShares {
  const share = (of64: number) => Math.floor((capBytes * of64) / 64)
  return { engineBytes: share(18), questionBytes: share(12), answerBytes: share(2), inFlightBytes: share(4) }
}
