/**
 * The closed list of operational errors. Each says which stage raises it, whether the same call may succeed
 * later (`retriable`), whose it is to mend (`fault`: `user` ends a command with exit code 1, `ours` with 2), and
 * the next step. A bad record is never an error here: it is a value (see `clean/`). A programming error is an
 * `AssertionError` and ends the process.
 */
export const errorCodes = {
  CONFIG_INVALID: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    next: 'Correct the named key; `pinflow config` shows every key, its value and where it came from.',
  },
  USAGE: { stage: 'cli', retriable: false, fault: 'user', next: 'See `pinflow --help`.' },
  DATA_FOLDER_IN_USE: {
    stage: 'core',
    retriable: true,
    fault: 'user',
    next: 'Stop the process that owns the folder, or choose another with --data.',
  },
  DATA_FOLDER_NEWER: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    next: 'Use the pinflow version that wrote the folder, or choose another with --data.',
  },
  DATA_FOLDER_UNUSABLE: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    next: 'Check that the folder exists, is a folder, and can be written, or choose another with --data.',
  },
  PORT_IN_USE: {
    stage: 'gateway',
    retriable: true,
    fault: 'user',
    next: 'Choose another with --gateway-port or --api-port (0 = any free one), or stop the process that listens there.',
  },
  STORE_FULL: {
    stage: 'core',
    retriable: true,
    fault: 'user',
    next: 'Free space on the volume of the data folder; work goes on by itself.',
  },
  STORE_FAILED: {
    stage: 'core',
    retriable: true,
    fault: 'ours',
    next: 'Check the store (volume, mount, permissions); the work is tried again.',
  },
  TOPIC_NAME_INVALID: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: 'Use 1 to 249 of a-z A-Z 0-9 . _ - (not "." or "..").',
  },
  TOPIC_EXISTS: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: 'Use the existing topic, or another name.',
  },
  TOPIC_UNKNOWN: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: '`pinflow topics` lists the topics.',
  },
  PARTITION_UNKNOWN: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: '`pinflow topics` lists topics with their partitions.',
  },
  OFFSET_OUT_OF_RANGE: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: 'Read from the start offset named in the message.',
  },
  RECORD_TOO_LARGE: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    next: 'Send smaller records, or raise `log.recordBytesMax`.',
  },
  LOG_FULL: {
    stage: 'log',
    retriable: true,
    fault: 'user',
    next: 'Free space on the volume of the data folder; the log accepts again by itself.',
  },
  LOG_FAILED: {
    stage: 'log',
    retriable: true,
    fault: 'ours',
    next: 'A write or flush failed for another reason than space: the platform stops, so that a supervisor restarts it and it reads back what is on disk.',
  },
  LOG_DAMAGED: {
    stage: 'log',
    retriable: false,
    fault: 'ours',
    next: 'Restore the log from a copy, or start a new data folder; `docs/spec/log.md` describes the format.',
  },
  LOG_BEHIND_LAKE: {
    stage: 'lake',
    retriable: false,
    fault: 'user',
    next: 'Put the right log back, or start once with --adopt: offsets continue after what the lake holds, and the gap is entered as lost.',
  },
  EPOCHS_DAMAGED: {
    stage: 'lake',
    retriable: false,
    fault: 'ours',
    next: 'Restore the epoch log from a copy; `docs/spec/epochs.md` describes the format.',
  },
  LAKE_DAMAGED: {
    stage: 'lake',
    retriable: false,
    fault: 'ours',
    next: 'Restore the named object from a copy; `docs/spec/lake.md` describes names and contents.',
  },
  TABLE_COMMIT_CONFLICT: {
    stage: 'table',
    retriable: true,
    fault: 'ours',
    next: 'The work is computed again from the newest version of the table.',
  },
  TABLE_DAMAGED: {
    stage: 'table',
    retriable: false,
    fault: 'ours',
    next: 'Run `pinflow tables rebuild <dataset>`, which makes its tables again from the lake; or stop, and put the table folder back from a copy.',
  },
  TABLE_UNSUPPORTED: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    next: 'The table uses a Delta feature that pinflow does not implement.',
  },
  TABLE_UNKNOWN: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    next: '`pinflow tables` lists the tables.',
  },
  TABLE_VERSION_UNKNOWN: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    next: '`pinflow tables history <table>` lists the versions.',
  },
  EPOCHS_BEHIND_TABLE: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    next: 'The table was written from another, newer or longer epoch log; nothing is taken until one of them is right. Stop, and put back the right lake or the right tables; or, where this lake is the right one, run `pinflow tables rebuild <dataset>`.',
  },
  PIPELINE_INVALID: {
    stage: 'pipeline',
    retriable: false,
    fault: 'user',
    next: 'Correct the pipeline folder as the message says.',
  },
  DEFINITION_CHANGED: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    next: 'Run `pinflow tables rebuild <dataset>` to bring the table and all history over to the new definition.',
  },
  CLEAN_SQL_FAILED: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    next: 'Correct the cleaning text of the dataset; nothing was committed, and cleaning goes on after a restart.',
  },
  QUERY_INVALID: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    next: 'Correct the SQL; `pinflow tables` lists what can be read.',
  },
  QUERY_TIMED_OUT: {
    stage: 'query',
    retriable: true,
    fault: 'user',
    next: 'Ask for less (a filter, a join on a key, an aggregate over fewer rows), or raise `query.timeoutMs`.',
  },
  QUERY_OUT_OF_MEMORY: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    next: 'Ask for less at a time (a filter, fewer columns, no huge lists or texts), or raise `memory.capBytes`, of which a query has its share.',
  },
  QUERY_ENGINE_ENDED: {
    stage: 'query',
    retriable: false,
    fault: 'ours',
    next: 'Ask in another way; the next query gets a new engine. Some JSON functions end it on deeply nested values: see docs/guide/sql.md.',
  },
  ANSWER_TOO_LARGE: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    next: 'Ask for fewer rows or columns (`LIMIT`, an aggregate), or raise the limit that the message names; the files of a table can be read by any Delta reader.',
  },
  QUESTION_UNKNOWN: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    next: '`pinflow ask` without a name asks every question.',
  },
  SOURCE_UNREADABLE: {
    stage: 'emulate',
    retriable: false,
    fault: 'user',
    next: 'Check the path after --source; ndjson:DIR reads DIR/<dataset>.ndjson.',
  },
  DOOR_REFUSED: {
    stage: 'emulate',
    retriable: true,
    fault: 'ours',
    next: 'The front door did not accept the record after all retries; see the message.',
  },
  REQUEST_INVALID: {
    stage: 'gateway',
    retriable: false,
    fault: 'user',
    next: 'Send what the message names.',
  },
  REQUEST_TOO_LARGE: {
    stage: 'gateway',
    retriable: false,
    fault: 'user',
    next: 'Send a smaller body, or raise `gateway.bodyBytesMax`.',
  },
  OVERLOADED: {
    stage: 'gateway',
    retriable: true,
    fault: 'ours',
    next: 'Send again in a moment; where an HTTP answer has Retry-After, after that time.',
  },
  STOPPING: {
    stage: 'gateway',
    retriable: true,
    fault: 'ours',
    next: 'The platform is stopping; send again after its restart.',
  },
  INTERNAL: {
    stage: 'core',
    retriable: false,
    fault: 'ours',
    next: 'This is a mistake of pinflow; its log on standard error says where. Please report it.',
  },
  SERVER_UNREACHABLE: {
    stage: 'cli',
    retriable: true,
    fault: 'ours',
    next: 'The owner of the data folder does not answer; check its logs or stop it.',
  },
} as const satisfies Record<
  string,
  { stage: string; retriable: boolean; fault: 'user' | 'ours'; next: string }
>

export type ErrorCode = keyof typeof errorCodes

/** An operational error: a code from the closed list, what happened and to what; `cause` keeps the original. */
export class PipelineError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'PipelineError'
    this.code = code
  }

  /** Whether the same call may succeed later. */
  get retriable(): boolean {
    return errorCodes[this.code].retriable
  }

  /** The next step for the person who reads it. */
  get next(): string {
    return errorCodes[this.code].next
  }

  /** Exit code of a command that ends with this error: 1 is the user's to mend, 2 is ours. */
  get exitCode(): 1 | 2 {
    return errorCodes[this.code].fault === 'user' ? 1 : 2
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Whether `thrown` is a system error (`ENOENT`, `EEXIST`, …) with one of these codes. */
export function isSystemError(thrown: unknown, ...codes: string[]): boolean {
  return thrown instanceof Error && codes.includes((thrown as NodeJS.ErrnoException).code ?? '')
}
