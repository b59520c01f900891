/**
 * The closed list of operational errors. Each says which stage raises it, whether the same call may succeed
 * later (`retriable`), whose it is to mend (`fault`: `user` ends a command with exit code 1, `ours` with 2), what it
 * means (`means`), and the next step. A bad record is never an error here: it is a value (see `clean/`). A programming
 * error is an `AssertionError` and ends the process.
 */
export const errorCodes = {
  CONFIG_INVALID: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    means: 'A key of the configuration is unknown, or its value is not what the key takes.',
    next: 'Correct the named key; `pinflow config` shows every key, its value and where it came from.',
  },
  USAGE: {
    stage: 'cli',
    retriable: false,
    fault: 'user',
    means: 'The command line is not one that pinflow understands, or lacks something.',
    next: 'See `pinflow --help`.',
  },
  DATA_FOLDER_IN_USE: {
    stage: 'core',
    retriable: true,
    fault: 'user',
    means: 'Another process owns the data folder, and one process owns it at a time.',
    next: 'Stop the process that owns the folder, or choose another with --data.',
  },
  DATA_FOLDER_NEWER: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    means: 'The data folder was written by a later version of pinflow, in a format this version cannot read.',
    next: 'Use the pinflow version that wrote the folder, or choose another with --data.',
  },
  DATA_FOLDER_UNUSABLE: {
    stage: 'core',
    retriable: false,
    fault: 'user',
    means:
      'The data folder is not there, holds something else, is of another pipeline, or cannot be read or written.',
    next: 'Check that the folder exists, is a folder, and can be written, or choose another with --data.',
  },
  PORT_IN_USE: {
    stage: 'gateway',
    retriable: true,
    fault: 'user',
    means: 'Another process listens on the port already, or this user may not.',
    next: 'Choose another with --gateway-port or --api-port (0 = any free one), or stop the process that listens there.',
  },
  STORE_FULL: {
    stage: 'core',
    retriable: true,
    fault: 'user',
    means: 'The volume of the data folder has no space left.',
    next: 'Free space on the volume of the data folder; work goes on by itself.',
  },
  STORE_FAILED: {
    stage: 'core',
    retriable: true,
    fault: 'ours',
    means: 'Reading or writing a file of the data folder failed for another reason than space.',
    next: 'Check the store (volume, mount, permissions); the work is tried again.',
  },
  TOPIC_NAME_INVALID: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means: 'The text cannot name a topic.',
    next: 'Use 1 to 249 of a-z A-Z 0-9 . _ - (not "." or ".."), or, where the message says why, another name.',
  },
  TOPIC_EXISTS: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means: 'There is a topic of that name already.',
    next: 'Use the existing topic, or another name.',
  },
  TOPIC_UNKNOWN: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means: 'There is no topic of that name.',
    next: '`pinflow topics` lists the topics.',
  },
  PARTITION_UNKNOWN: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means: 'The topic has no partition of that number.',
    next: '`pinflow topics` lists topics with their partitions.',
  },
  OFFSET_OUT_OF_RANGE: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means:
      'The offset is before the first record that the log still holds: retention has dropped what was there.',
    next: 'Read from the start offset named in the message.',
  },
  RECORD_TOO_LARGE: {
    stage: 'log',
    retriable: false,
    fault: 'user',
    means: 'A record has more bytes than one record may have.',
    next: 'Send smaller records, or raise `log.recordBytesMax`.',
  },
  RECORD_UNKNOWN: {
    stage: 'trace',
    retriable: false,
    fault: 'user',
    means: 'There is no record at that place: nothing was appended there yet, or never.',
    next: '`pinflow topics` lists the topics with the offsets they hold; the message names the newest record there.',
  },
  LOG_FULL: {
    stage: 'log',
    retriable: true,
    fault: 'user',
    means: 'There is less space on the volume than the log leaves free, so records are refused.',
    next: 'Free space on the volume of the data folder; the log accepts again by itself.',
  },
  LOG_FAILED: {
    stage: 'log',
    retriable: true,
    fault: 'ours',
    means: 'A write or flush of the log failed for another reason than space.',
    next: 'A write or flush failed for another reason than space: the platform stops, so that a supervisor restarts it and it reads back what is on disk.',
  },
  LOG_DAMAGED: {
    stage: 'log',
    retriable: false,
    fault: 'ours',
    means: 'A file of the log is not as it was written, or is missing.',
    next: 'Restore the log from a copy, or start a new data folder; `docs/spec/log.md` describes the format.',
  },
  LOG_BEHIND_LAKE: {
    stage: 'lake',
    retriable: false,
    fault: 'user',
    means:
      'The log ends before what the lake has of it, or is another log: it would give out offsets a second time.',
    next: 'Put the right log back, or start once with --adopt: offsets continue after what the lake holds, and the gap is entered as lost.',
  },
  EPOCHS_DAMAGED: {
    stage: 'lake',
    retriable: false,
    fault: 'ours',
    means: 'An entry of the epoch log is missing, or not as it was written.',
    next: 'Restore the epoch log from a copy; `docs/spec/epochs.md` describes the format.',
  },
  LAKE_DAMAGED: {
    stage: 'lake',
    retriable: false,
    fault: 'ours',
    means: 'A raw object or a landed marker of the lake is missing, or not as it was written.',
    next: 'Restore the named object from a copy; `docs/spec/lake.md` describes names and contents.',
  },
  TABLE_COMMIT_CONFLICT: {
    stage: 'table',
    retriable: true,
    fault: 'ours',
    means: 'Somebody else has committed to the table meanwhile.',
    next: 'The work is computed again from the newest version of the table.',
  },
  TABLE_DAMAGED: {
    stage: 'table',
    retriable: false,
    fault: 'ours',
    means: 'A commit, a checkpoint or a file of a table is missing, or not as it was written.',
    next: 'Run `pinflow tables rebuild <dataset>`, which makes its tables again from the lake; or stop, and put the table folder back from a copy.',
  },
  TABLE_UNSUPPORTED: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    means: 'The table is in a form of Delta that pinflow cannot read.',
    next: 'The table uses a Delta feature that pinflow does not implement.',
  },
  TABLE_UNKNOWN: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    means: 'There is no table, or no dataset, of that name.',
    next: '`pinflow tables` lists the tables.',
  },
  TABLE_VERSION_UNKNOWN: {
    stage: 'table',
    retriable: false,
    fault: 'user',
    means: 'The table has no such version, or what that version needs was deleted since.',
    next: '`pinflow tables history <table>` lists the versions.',
  },
  EPOCHS_BEHIND_TABLE: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    means: 'A table knows of more than the epoch log does, or of another one.',
    next: 'The table was written from another, newer or longer epoch log; nothing is taken until one of them is right. Stop, and put back the right lake or the right tables; or, where this lake is the right one, run `pinflow tables rebuild <dataset>`.',
  },
  PIPELINE_INVALID: {
    stage: 'pipeline',
    retriable: false,
    fault: 'user',
    means: 'Something in the folder of the pipeline cannot be used.',
    next: 'Correct the pipeline folder as the message says.',
  },
  DEFINITION_CHANGED: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    means:
      'The tables of a dataset were made by another definition (columns, key or cleaning text) than it has now.',
    next: 'Run `pinflow tables rebuild <dataset>` to bring the table and all history over to the new definition.',
  },
  CLEAN_SQL_FAILED: {
    stage: 'clean',
    retriable: false,
    fault: 'user',
    means: 'The cleaning text of a dataset fails whatever the records are.',
    next: 'Correct the cleaning text of the dataset; nothing was committed, and cleaning goes on after a restart.',
  },
  QUERY_INVALID: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    means:
      'The SQL cannot be answered: it is not one SELECT, or names what is not there, or fails on a value.',
    next: 'Correct the SQL; `pinflow tables` lists what can be read.',
  },
  QUERY_TIMED_OUT: {
    stage: 'query',
    retriable: true,
    fault: 'user',
    means: 'The query took longer than a query may, and was ended.',
    next: 'Ask for less (a filter, a join on a key, an aggregate over fewer rows), or raise `query.timeoutMs`.',
  },
  QUERY_OUT_OF_MEMORY: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    means: 'The query needed more memory than a query may have, and was ended.',
    next: 'Ask for less at a time (a filter, fewer columns, no huge lists or texts), or raise `memory.capBytes`, of which a query has its share.',
  },
  QUERY_ENGINE_ENDED: {
    stage: 'query',
    retriable: false,
    fault: 'ours',
    means: 'The query ended the SQL engine, which runs in a process of its own; the platform is unharmed.',
    next: 'Ask in another way; the next query gets a new engine. Some JSON functions end it on deeply nested values: see docs/guide/sql.md.',
  },
  ANSWER_TOO_LARGE: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    means: 'The answer has more rows or bytes than one answer may have.',
    next: 'Ask for fewer rows or columns (`LIMIT`, an aggregate), or raise the limit that the message names; the files of a table can be read by any Delta reader.',
  },
  QUESTION_UNKNOWN: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    means: 'The pipeline has no question of that name.',
    next: '`pinflow ask` without a name asks every question.',
  },
  ANSWERS_UNKNOWN: {
    stage: 'query',
    retriable: false,
    fault: 'user',
    means: 'The answers of that run are not kept: it never was, or 200 others came after it.',
    next: '`pinflow ask --runs` lists the runs whose answers are kept.',
  },
  ANSWERS_DAMAGED: {
    stage: 'query',
    retriable: false,
    fault: 'ours',
    means: 'The kept answers of a run are not as they were written.',
    next: 'Delete the file that the message names, nothing else depends on it; `pinflow ask` answers anew.',
  },
  RECORD_NOT_BAD: {
    stage: 'quarantine',
    retriable: false,
    fault: 'user',
    means: 'No quarantine holds the record: it is a row, a duplicate, not cleaned yet, or was never there.',
    next: '`pinflow quarantine list` shows the records that are bad; `pinflow trace` tells what became of any record.',
  },
  REVIEWS_DAMAGED: {
    stage: 'quarantine',
    retriable: false,
    fault: 'ours',
    means: 'A review of bad records is not as it was written.',
    next: 'Put the named object back from a copy, or delete it: its records are then open again, and nothing else depends on it.',
  },
  SOURCE_UNREADABLE: {
    stage: 'emulate',
    retriable: false,
    fault: 'user',
    means: 'The records that were to be posted cannot be read.',
    next: 'Check the path after --source; ndjson:DIR reads DIR/<dataset>.ndjson.',
  },
  DOOR_REFUSED: {
    stage: 'emulate',
    retriable: true,
    fault: 'ours',
    means: 'A front door did not take a record.',
    next: 'The front door did not accept the record after all retries; see the message.',
  },
  REQUEST_INVALID: {
    stage: 'gateway',
    retriable: false,
    fault: 'user',
    means: 'A request is not what the front door or the API takes.',
    next: 'Send what the message names.',
  },
  REQUEST_TOO_LARGE: {
    stage: 'gateway',
    retriable: false,
    fault: 'user',
    means: 'The body of a request has more bytes or values than one may have.',
    next: 'Send a smaller body, or raise `gateway.bodyBytesMax`.',
  },
  OVERLOADED: {
    stage: 'gateway',
    retriable: true,
    fault: 'ours',
    means: 'There is more to do at once than there is memory for.',
    next: 'Send again in a moment; where an HTTP answer has Retry-After, after that time.',
  },
  STOPPING: {
    stage: 'gateway',
    retriable: true,
    fault: 'ours',
    means: 'The platform is being stopped, or nobody waits for the result any more.',
    next: 'The platform is stopping; send again after its restart.',
  },
  INTERNAL: {
    stage: 'core',
    retriable: false,
    fault: 'ours',
    means: 'Something happened that the program takes to be impossible.',
    next: 'This is a mistake of pinflow; its log on standard error says where. Please report it.',
  },
  SERVER_UNREACHABLE: {
    stage: 'cli',
    retriable: true,
    fault: 'ours',
    means: 'A process owns the data folder and does not answer, or broke off.',
    next: 'The owner of the data folder does not answer; check its logs or stop it.',
  },
} as const satisfies Record<
  string,
  { stage: string; retriable: boolean; fault: 'user' | 'ours'; means: string; next: string }
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
