/** The closed list of reasons for which a record is bad, with what would mend it. Some name a column after the code. */
export const reasons = {
  NULL_VALUE: 'The record has no value. Send a JSON object.',
  NOT_JSON: 'The value is no JSON (RFC 8259). Correct the sender.',
  INVALID_UNICODE: 'The value is no valid UTF-8, or holds half of a surrogate pair. Correct the sender.',
  TOO_DEEP: 'The value is nested more than 100 levels deep. Send a flatter object.',
  DUPLICATE_MEMBER:
    'The value names a member twice, so its meaning depends on the reader. Correct the sender.',
  NOT_AN_OBJECT: 'The value is JSON, but no object. Send one object a record.',
  FOREIGN_RECORD:
    'The value has more columns of another dataset than of this one. Send it to that dataset’s topic.',
  NO_KNOWN_COLUMN:
    'The value has none of the dataset’s columns beside the key. Look for a wrong nesting or a test message.',
  KEY_MISSING: 'The key is absent or null. Send it.',
  TYPE_MISMATCH:
    'The named column’s value cannot be read as the column’s type. Correct the value, or the schema.',
  VALUE_INVALID:
    'The named column’s value breaks a rule of the dataset’s cleaning text. Correct the value, or the text.',
  SQL_FAILED: 'The cleaning text cannot take this row at all. Make the text tolerate it.',
  DUPLICATE_KEY_DIFFERS:
    'A record with the same key and other contents came first, and the first wins. Send changes under another key.',
} as const

export type ReasonCode = keyof typeof reasons

/** Why a record is bad: a code of the list, for some followed by a blank and the column's name. */
export interface Bad {
  reason: string
  /** What exactly, for people. */
  detail?: string
}

/** The code of a reason, and the column it names. */
export function splitReason(reason: string): [code: string, column?: string] {
  const blank = reason.indexOf(' ')
  return blank < 0 ? [reason] : [reason.slice(0, blank), reason.slice(blank + 1)]
}

/** The help text of a reason, with or without a column; empty for one that is not on the list. */
export function helpOf(reason: string): string {
  const [code] = splitReason(reason)
  return Object.hasOwn(reasons, code) ? reasons[code as ReasonCode] : ''
}
