import { expect, test } from 'vitest'
import { type Append, judge, type Kind, type Reading } from '../faults/processes/history.ts'

/** Records of one request, `a` first, that were put one after another from `offset` on. */
function append(
  ids: string,
  offset: number | undefined,
  beganMs: number,
  endedMs: number,
  partition = 0,
): Append {
  const records = [...ids].map((id) => ({ id, value: `value of ${id}` }))
  const places = offset === undefined ? [] : records.map((_, at) => ({ partition, offset: offset + at }))
  return { topic: 't', records, beganMs, endedMs, places }
}

/** Records by their ids, from an offset on; `.` leaves an offset out. */
function reading(ids: string, beganMs: number, { from = 0, whole = true, partition = 0 } = {}): Reading {
  const records = [...ids].flatMap((id, at) =>
    id === '.' ? [] : [{ partition, offset: from + at, id, value: `value of ${id}`, timeMs: at }],
  )
  return { topic: 't', beganMs, endedMs: beganMs + 1, whole, records }
}

const kinds = (appends: Append[], readings: Reading[]): Kind[] =>
  judge(appends, readings).map(({ kind }) => kind)

const first = append('ab', 0, 10, 20)
const next = append('cd', 2, 30, 40)

test('a history of a log that keeps its promises has no breach', () => {
  const unanswered = append('xy', undefined, 35, 50)
  const other = append('pq', 0, 12, 13, 1)
  const readings = [
    reading('ab', 25),
    reading('abcd', 45),
    reading('abcdxy', 60),
    reading('cdx', 61, { from: 2, whole: false }),
  ]
  expect(kinds([first, next, unanswered, other], readings)).toEqual([
    'lost',
    'lost',
    'lost',
    'lost',
    'lost',
    'lost',
  ])
  const withOther = readings.map((read) =>
    read.whole
      ? { ...read, records: [...read.records, ...reading('pq', 0, { partition: 1 }).records] }
      : read,
  )
  expect(kinds([first, next, unanswered, other], withOther)).toEqual([])
})

test('what was not acknowledged may be in the log or not, and may come late', () => {
  const late = append('z', undefined, 1, 2)
  expect(kinds([first, late], [reading('ab', 25), reading('abz', 30)])).toEqual([])
  expect(kinds([first, late], [reading('ab', 25)])).toEqual([])
  // Offsets may leave a gap.
  expect(kinds([first, append('c', 5, 30, 31)], [reading('ab...c', 45)])).toEqual([])
})

test('what was sent may be read before it is answered', () => {
  const open = append('z', undefined, 26, Number.POSITIVE_INFINITY)
  expect(kinds([first, open], [reading('abz', 30)])).toEqual([])
})

test('an append that is acknowledged while a reading goes on may be in it or not', () => {
  const during = append('cd', 2, 24, 26)
  expect(kinds([first, during], [reading('ab', 25)])).toEqual([])
  expect(kinds([first, during], [reading('abc', 25)])).toEqual([])
})

const broken: Record<string, [kind: Kind, appends: Append[], readings: Reading[]]> = {
  'an acknowledged record that is in no later reading': ['lost', [first, next], [reading('abc', 45)]],
  'an acknowledged record that is left out before a later one': [
    'lost',
    [first, next],
    [reading('a.cd', 15)],
  ],
  'an acknowledged record left out of a part that was read': [
    'lost',
    [first, next],
    [reading('b.d', 45, { from: 1, whole: false })],
  ],
  'a record that was read, and is gone': [
    'vanished',
    [first, append('z', undefined, 21, 22)],
    [reading('abz', 25), reading('ab', 30)],
  ],
  'a record that was read, and whose offset then holds another': [
    'changed',
    [first, append('y', undefined, 21, 22), append('z', undefined, 21, 22)],
    [reading('abz', 25), reading('aby', 30)],
  ],
  'an acknowledged offset that holds another record': [
    'changed',
    [first, append('z', undefined, 12, 22)],
    [reading('az', 25)],
  ],
  'bytes other than those that were sent': [
    'changed',
    [first],
    [
      {
        ...reading('ab', 25),
        records: reading('ab', 25).records.map((record) => ({ ...record, value: 'other' })),
      },
    ],
  ],
  'a record at two offsets': ['double', [first], [reading('aba', 25)]],
  'a record of an unanswered request at two offsets': [
    'double',
    [append('z', undefined, 1, 2)],
    [reading('z.z', 25)],
  ],
  'two acknowledgements for one offset': ['two at one offset', [first, append('c', 1, 15, 25)], []],
  'an append that began after another was acknowledged, and stands before it': [
    'out of order',
    [append('cd', 2, 10, 20), append('ab', 0, 30, 40)],
    [],
  ],
  'offsets of one answer that do not rise': [
    'out of order',
    [{ ...first, places: first.places.toReversed() }],
    [],
  ],
  'a reading that goes back': [
    'out of order',
    [first],
    [
      {
        ...reading('ab', 25),
        records: reading('ab', 25)
          .records.toReversed()
          .map((record) => ({ ...record, timeMs: 1 })),
      },
    ],
  ],
  'a record that nobody sent': ['never sent', [first], [reading('abz', 25)]],
  'a record that was read before it was sent': ['never sent', [append('z', 0, 30, 40)], [reading('z', 20)]],
  'a record that was sent to another topic': [
    'never sent',
    [{ ...first, topic: 'u', places: [] }],
    [reading('ab', 25)],
  ],
  'an append time that goes back': [
    'time went back',
    [first],
    [
      {
        ...reading('ab', 25),
        records: reading('ab', 25).records.map((record) => ({ ...record, timeMs: -record.timeMs })),
      },
    ],
  ],
}

for (const [what, [kind, appends, readings]] of Object.entries(broken)) {
  test(`found: ${what}`, () => {
    expect(new Set(kinds(appends, readings))).toContain(kind)
  })
}
