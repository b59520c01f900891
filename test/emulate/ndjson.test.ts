import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ndjsonSource } from '../../src/emulate/index.ts'
import { dataset, pipelineOf } from './front-doors.ts'

const pipeline = pipelineOf(dataset('pin'), dataset('geo'))
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ndjson-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Posts as [number, dataset and text of each record], and what was reported. */
async function read(files: Record<string, string | Buffer>, options: { posts?: number } = {}) {
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, `${name}.ndjson`), content)
  const posts: [number, ...string[]][] = []
  const reported: string[] = []
  const onSourceError = (file: string, line: number, message: string) => {
    reported.push(`${file.slice(folder.length + 1)}:${line} ${message}`)
  }
  for await (const { post, records } of ndjsonSource(pipeline, folder, { ...options, onSourceError })) {
    posts.push([post, ...records.map((one) => `${one.dataset} ${one.json}`)])
  }
  return { posts, reported }
}

describe('files of lines', () => {
  test('give post n line n of each, as it stands, as long as one of them goes on', async () => {
    const { posts, reported } = await read({ pin: '{"a": 1 }\n2\n"x"', geo: ' [ ]\r\n' })
    expect(posts).toEqual([
      [0, 'pin {"a": 1 }', 'geo  [ ]\r'],
      [1, 'pin 2'],
      [2, 'pin "x"'],
    ])
    expect(reported).toEqual([])
  })

  test('may be empty, or missing for all datasets but one', async () => {
    expect(await read({ pin: '' })).toEqual({ posts: [], reported: [] })
    expect((await read({ pin: '', geo: '1\n' })).posts).toEqual([[0, 'geo 1']])
  })

  test('may hold blank lines, which are no records and move nothing', async () => {
    const { posts, reported } = await read({ pin: '\n1\n \t\r\n\n2\n\n', geo: 'null\n\n\n\n3' })
    expect(posts).toEqual([
      [0, 'geo null'],
      [1, 'pin 1'],
      [4, 'pin 2', 'geo 3'],
    ])
    expect(reported).toEqual([])
  })

  test('are read to the line asked for', async () => {
    expect((await read({ pin: '1\n2\n3\n' }, { posts: 2 })).posts).toEqual([
      [0, 'pin 1'],
      [1, 'pin 2'],
    ])
    expect((await read({ pin: '1\n' }, { posts: 0 })).posts).toEqual([])
  })

  test('with lines that cannot be posted have these reported and left out', async () => {
    const lines = [
      Buffer.from('\ufeff1\n{"a":1}\n{"a":1\n{}{}\nNaN\n"'),
      Buffer.from([0xe9]),
      Buffer.from('"\n"\\ud800"\n{"a":1,"a":2}\n'),
    ]
    const { posts, reported } = await read({ pin: Buffer.concat(lines) })
    expect(posts).toEqual([
      [1, 'pin {"a":1}'],
      // Grammatical: judged behind the door.
      [6, 'pin "\\ud800"'],
      [7, 'pin {"a":1,"a":2}'],
    ])
    expect(reported).toEqual([
      expect.stringMatching(/^pin\.ndjson:1 .*byte order mark/),
      expect.stringMatching(/^pin\.ndjson:3 the line is not JSON: .*\(byte 6\)$/),
      expect.stringMatching(/^pin\.ndjson:4 the line is not JSON: .*\(byte 2\)$/),
      expect.stringMatching(/^pin\.ndjson:5 the line is not JSON: /),
      'pin.ndjson:6 the line is not UTF-8',
    ])
  })

  test('with a line too long for any door have it reported, and go on behind it', async () => {
    const line = Buffer.alloc(16 * 1024 * 1024 + 1, '1')
    const pin = Buffer.concat([line, Buffer.from('\n'), line.subarray(1), Buffer.from('\n3\n'), line])
    const { posts, reported } = await read({ pin })
    expect(posts.map(([post, text]) => [post, text?.length])).toEqual([
      [1, 'pin '.length + line.length - 1],
      [2, 'pin 3'.length],
    ])
    expect(reported).toEqual(
      ['pin.ndjson:1', 'pin.ndjson:4'].map((at) => `${at} the line is above 16777216 bytes`),
    )
  })

  test('of any length and content come out as they went in', async () => {
    const line = fc.oneof(
      fc.json(),
      fc.nat(200_000).map((length) => `"${'é'.repeat(length)}"`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.boolean(), async (lines, ended) => {
        const text = lines.join('\n') + (ended && lines.length > 0 ? '\n' : '')
        const { posts } = await read({ pin: text })
        expect(posts).toEqual(lines.map((json, post) => [post, `pin ${json}`]))
      }),
      { numRuns: 30 },
    )
  })
})

describe('a source that cannot be read is refused by name', () => {
  const unreadable = (message: string) =>
    expect.objectContaining({ code: 'SOURCE_UNREADABLE', message: expect.stringContaining(message) })

  test('a folder that is not there, is none, or holds no dataset', async () => {
    await expect(read({ other: '1' })).rejects.toEqual(unreadable('holds none of pin.ndjson, geo.ndjson'))
    const folders = [join(folder, 'none'), join(folder, 'other.ndjson')]
    for (const one of folders) {
      const posts = ndjsonSource(pipeline, one, { onSourceError: () => {} })
      await expect(posts.next()).rejects.toEqual(unreadable(one))
    }
  })

  test('a file that cannot be read, before anything is posted', async () => {
    await mkdir(join(folder, 'geo.ndjson'))
    await expect(read({ pin: '1\n' })).rejects.toEqual(unreadable('geo.ndjson cannot be read'))
  })
})
