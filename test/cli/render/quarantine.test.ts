import { expect, test } from 'vitest'
import { replayText } from '../../../src/cli/render/replay.ts'
import { recordText } from '../../../src/cli/render/shown-record.ts'

const shown: Parameters<typeof recordText>[0] = {
  dataset: 'pin',
  topic: 'demo.pin',
  partition: 0,
  offset: 17,
  value: { base64: Buffer.from('{"a":"\u001b[2J\xff"}', 'latin1').toString('base64') },
  key: 'k\u001b[2J',
  headers: [{ name: 'h', value: null }],
  timestampMs: 1_000,
  appendTimeMs: 2_000,
  epoch: 3,
  takenMs: 4_000,
  object: { key: 'topics/x.json', line: 18 },
  reasons: [
    {
      paths: ['stream'],
      reason: 'INVALID_UNICODE',
      help: 'Help.',
      detail: 'byte 10',
      sinceVersion: { stream: 2 },
      fix: ['Do this.', 'Or that.'],
      review: { note: 'seen', by: 'Ada', timeMs: 0 },
    },
  ],
  now: { fate: 'bad', reason: 'INVALID_UNICODE', detail: null },
  definitionChanged: false,
}

test('a record that is no text is shown in hexadecimal with its characters beside, and moves no cursor', () => {
  expect(recordText(shown)).toBe(`demo.pin/0/17, a record of pin

bad         INVALID_UNICODE, in stream
            Help.
            byte 10
to mend it  Do this.
            Or that.
reviewed    1970-01-01 00:00:00Z by Ada: seen

now         The present definition finds it bad: INVALID_UNICODE.

came in     1970-01-01 00:00:02Z, sent 1970-01-01 00:00:01Z
taken       in epoch 3, 1970-01-01 00:00:04Z
lake        topics/x.json, line 18
tables      quarantine.stream.pin, since version 2
key         k\\u001b[2J
headers     h: null

value, 13 bytes
  00000000  7b 22 61 22 3a 22 1b 5b 32 4a ff 22 7d           {"a":".[2J."}`)
})

type Replayed = Parameters<typeof replayText>[0]

const change: Replayed['preview'][number] = {
  path: 'stream',
  definitionChanged: true,
  whole: true,
  leave: [{ was: 'NOT_JSON', becomes: null, records: 2 }],
  stay: 5,
  otherReason: [],
  newlyBad: [{ was: null, becomes: 'KEY_MISSING', records: 1 }],
  rows: { before: 10, after: 11, changed: 1, gone: 1, added: 2 },
  waiting: 0,
  examples: {
    leave: [],
    newlyBad: [],
    changed: [{ before: { id: 1, a: 'x' }, after: { id: 1, a: 'y' } }],
    gone: [{ before: { id: 2, a: 'z' }, after: null }],
  },
}

function replayed(more: Partial<Replayed>): Replayed {
  return { dataset: 'pin', preview: [change, { ...change, path: 'batch' }], nothing: false, ...more }
}

test('both ways are one where they say the same; the next step is told', () => {
  const text = replayText(replayed({}))
  expect(text.match(/would leave/g)).toHaveLength(1)
  expect(text).toContain('pin, stream and batch: made by another definition')
  expect(text).toContain('2 would leave, 1 would come, 5 would stay')
  expect(text).toContain('id 1: a "x" → "y"')
  expect(text).toContain('{"id":2,"a":"z"}')
  expect(text).toContain('pinflow quarantine replay pin --yes')
  const two = replayText(replayed({ preview: [change, { ...change, path: 'batch', stay: 6 }] }))
  expect(two.match(/would leave/g)).toHaveLength(2)
})

test('what was done is told as done, and whether it was foreseen', () => {
  const done = [change]
  expect(replayText(replayed({ done, asPreviewed: true }))).toContain('2 left, 1 came, 5 stayed')
  expect(replayText(replayed({ done, asPreviewed: true }))).toContain('That is what the preview said.')
  expect(replayText(replayed({ done, asPreviewed: false }))).toContain('not what the preview said')
  const preview = [{ ...change, waiting: 1 }]
  expect(replayText(replayed({ nothing: true, preview }))).toContain(
    'Nothing would change. 1 record only waits for the next cleaning.',
  )
})
