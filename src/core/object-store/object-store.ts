/**
 * A store of immutable objects named by `/`-separated keys, the shape of S3: raw lake, epoch log and Delta tables
 * live in one. A key's segments are non-empty, not `.` or `..`, hold no NUL and do not begin with `.put~`; anything
 * else is a caller's error (a TypeError).
 * Contents are durable when a put resolves.
 *
 * Every method may throw STORE_FULL (no space) or STORE_FAILED (anything else), both retriable. After either, a put
 * may still have succeeded: put again, or look.
 */
export interface ObjectStore {
  /**
   * Create the object unless one exists under the key. The one primitive of mutual exclusion: of any number of
   * concurrent callers, in any process, exactly one is told `true`, and no reader ever sees part of an object.
   *
   * @returns false when an object exists; it is left as it is
   */
  putIfAbsent(key: string, content: Uint8Array): Promise<boolean>

  /** Create or replace the object; for hints only (nothing that decides may be overwritten). */
  put(key: string, content: Uint8Array): Promise<void>

  /** The object's content, or undefined when there is none. */
  get(key: string): Promise<Buffer | undefined>

  /**
   * Keys and sizes under a prefix (which ends in `/`), in code point order of the key, the whole subtree.
   * Unfinished puts are not listed.
   *
   * @param after only keys greater than this one
   */
  list(prefix: string, after?: string): Promise<StoredObject[]>

  /** Delete the object; nothing happens when there is none. */
  delete(key: string): Promise<void>

  /**
   * The file of an object, for engines that read and write files. A writer creates a new, unique file there, calls
   * `sync`, and only then names it in a commit. The folder exists when this resolves.
   */
  localPath(key: string): Promise<string>

  /** Make a file written at `localPath(key)`, and its name, durable. */
  sync(key: string): Promise<void>
}

export interface StoredObject {
  key: string
  sizeBytes: number
  modifiedMs: number
}
