import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { conversionVersion, loadPipeline } from '../../src/pipeline/index.ts'

let parent: string
let made = 0

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'pipeline-'))
})

afterEach(async () => {
  await rm(parent, { recursive: true })
})

/** A dataset that is right; `changes` replace members, undefined takes one away. */
function dataset(changes: Record<string, unknown> = {}) {
  return {
    topics: ['{id}.shop'],
    key: 'ind',
    schema: { ind: { type: 'integer', from: ['index', 'ind'], min: 0 }, title: { type: 'text' } },
    clean: { file: 'clean/shop.sql' },
    tables: { stream: '{id}_shop_table', batch: '{id}_shop' },
    ...changes,
  }
}

function definition(changes: Record<string, unknown> = {}) {
  return { name: 'shop', datasets: { shop: dataset() }, ...changes }
}

/** A new folder each time: a module is imported once per process. */
async function folder(files: Record<string, string | Buffer>): Promise<string> {
  const root = join(parent, String(made++))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  return root
}

const cleanSql = { 'clean/shop.sql': 'SELECT * FROM raw_shop' }

async function load(
  value: unknown,
  { id = 'demo', files = {} }: { id?: string; files?: Record<string, string> } = {},
) {
  const text = `export default ${JSON.stringify(value)}`
  return loadPipeline(await folder({ 'pipeline.js': text, ...cleanSql, ...files }), { id })
}

async function hashOf(changes: Record<string, unknown>, files: Record<string, string> = {}): Promise<string> {
  const loaded = await load(definition({ datasets: { shop: dataset(changes) } }), { files })
  return loaded.datasets[0]!.definition
}

describe('a pipeline folder', () => {
  test('gives names with the id in place, kinds of topics, defaults and texts', async () => {
    const both = definition({ datasets: { shop: dataset({ streams: ['streaming-{id}-shop'] }) } })
    const pipeline = await load(both, { id: 'a.b-C' })
    expect(pipeline.name).toBe('shop')
    expect(pipeline.questions).toEqual([])
    expect(pipeline).not.toHaveProperty('source')
    expect(pipeline.datasets).toMatchObject([
      {
        name: 'shop',
        topics: [
          { name: 'a.b-C.shop', partitioner: 'kafka' },
          { name: 'streaming-a.b-C-shop', partitioner: 'kinesis' },
        ],
        key: ['ind'],
        onDuplicate: 'first',
        sql: 'SELECT * FROM raw_shop',
        tables: { stream: 'a_b_C_shop_table', batch: 'a_b_C_shop' },
      },
    ])
  })

  test('may be TypeScript, with a source that is code', async () => {
    const text = `
      const source = async (): Promise<{ rows: number; seed: number } & Record<string, unknown>> => ({
        rows: 2, seed: 7, row: (index: number) => ({ shop: String(index) }), draws: function* () { yield 1 },
      })
      export default { ...${JSON.stringify(definition())}, source }`
    const pipeline = await loadPipeline(await folder({ 'pipeline.ts': text, ...cleanSql }), { id: 'demo' })
    const source = await pipeline.source?.()
    expect(source?.rows).toBe(2)
    expect(source?.row(1)).toEqual({ shop: '1' })
  })

  test('has its source checked when that is asked for', async () => {
    const text = `export default { ...${JSON.stringify(definition())}, source: async () => ({ seed: 1 }) }`
    const pipeline = await loadPipeline(await folder({ 'pipeline.js': text, ...cleanSql }), { id: 'demo' })
    await expect(pipeline.source?.()).rejects.toMatchObject({
      code: 'PIPELINE_INVALID',
      message: expect.stringContaining('source.rows'),
    })
  })

  test('has its questions in natural order, titled by their first comment', async () => {
    const files = {
      'questions/10.sql': 'SELECT 10',
      'questions/2.sql': '\n-- Second\n-- more\nSELECT 2',
      'questions/3b.sql': 'SELECT 3\n  --  after   the start \n',
      'questions/3a.sql': '--\n--Three a\r\nSELECT 3',
      'questions/1.sql': '-- First\nSELECT 1',
      'questions/readme.md': 'no question',
      'questions/._1.sql': 'left by a file manager',
    }
    const { questions } = await load(definition({ questions: { folder: 'questions' } }), { files })
    expect(questions.map(({ name, title }) => [name, title])).toEqual([
      ['1', 'First'],
      ['2', 'Second'],
      ['3a', 'Three a'],
      ['3b', 'after   the start'],
      ['10', '10'],
    ])
    expect(questions[2]?.sql).toBe('--\n--Three a\nSELECT 3')
  })
})

describe('the definition of a dataset', () => {
  test('is the same for the same meaning: line ends, space around, spelled-out defaults, names of tables', async () => {
    const hash = await hashOf({})
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(conversionVersion).toBe(1)
    for (const text of ['\r\nSELECT * FROM raw_shop\r\n', 'SELECT * FROM raw_shop\n;'])
      expect(await hashOf({}, { 'clean/shop.sql': text })).toBe(hash)
    const tables = { stream: 'another', batch: 'one' }
    expect(await hashOf({ key: ['ind'], onDuplicate: 'first', tables })).toBe(hash)
    const spelled = {
      ind: { min: 0, from: ['index', 'ind'], type: 'integer' },
      title: { type: 'text', from: ['title'] },
    }
    expect(await hashOf({ schema: spelled })).toBe(hash)
  })

  test('changes with topics, schema, order of columns, key, rule for repeats and text', async () => {
    const { schema } = dataset()
    const hashes = await Promise.all([
      hashOf({}),
      hashOf({}, { 'clean/shop.sql': 'SELECT 1 FROM raw_shop' }),
      hashOf({ topics: ['other'] }),
      hashOf({ streams: ['a-stream'] }),
      hashOf({ key: null }),
      hashOf({ key: ['ind', 'title'] }),
      hashOf({ onDuplicate: 'last' }),
      hashOf({ schema: { title: schema.title, ind: schema.ind } }),
      hashOf({ schema: { ...schema, title: { type: 'timestamp' } } }),
      hashOf({ schema: { ...schema, ind: { ...schema.ind, max: 0 } } }),
      hashOf({ schema: { ...schema, ind: { type: 'integer', from: ['index', 'ind'], max: 0 } } }),
      hashOf({ schema: { ...schema, ind: { ...schema.ind, from: ['ind', 'index'] } } }),
    ])
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('changes with the non-key members of other datasets, by which a record is told to be foreign', async () => {
    const names = { topics: ['other'], tables: { stream: 'other_table', batch: 'other' } }
    const { ind, title } = dataset().schema
    const beside = async (changes: Record<string, unknown>, name = 'other') => {
      const other = dataset({ ...names, ...changes })
      const loaded = await load(definition({ datasets: { [name]: other, shop: dataset() } }))
      return loaded.datasets.find((found) => found.name === 'shop')!.definition
    }
    const price = { type: 'double' }
    const hashes = await Promise.all([
      hashOf({}),
      beside({}),
      beside({ schema: { ind, title, price } }),
      beside({ schema: { ind, title: { ...title, from: ['name'] } } }),
      beside({ key: null }),
    ])
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(await beside({ schema: { price, title, ind } }, 'renamed')).toBe(hashes[2])
    expect(await beside({ onDuplicate: 'last', schema: { ind, title: price } })).toBe(hashes[1])
  })
})

describe('a folder that cannot be a pipeline is refused', () => {
  const invalid = (message: string | RegExp) =>
    expect.objectContaining({
      code: 'PIPELINE_INVALID',
      message:
        typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    })

  test.each<[what: string, value: unknown, message: string]>([
    ['no object', [], 'the default export must be an object'],
    ['an unknown member', definition({ schedule: {} }), '"schedule"'],
    ['no name', definition({ name: undefined }), 'name is missing'],
    ['a bad name', definition({ name: 'Shop' }), '"Shop"'],
    ['no dataset', definition({ datasets: {} }), 'at least one'],
    ['a bad dataset name', definition({ datasets: { '1shop': dataset() } }), '"1shop"'],
    ['a question of the wrong form', definition({ questions: { file: 'x' } }), '"file"'],
    ['a source that is no function', definition({ source: { rows: 1 } }), 'source must be a function'],
  ])('%s', async (_, value, message) => {
    await expect(load(value)).rejects.toEqual(invalid(message))
  })

  test.each<[what: string, changes: Record<string, unknown>, message: string]>([
    ['an unknown member', { partitions: 2 }, '"partitions"'],
    ['an unknown member of tables', { tables: { stream: 'a', batch: 'b', gold: 'c' } }, '"gold"'],
    ['neither topic nor stream', { topics: [] }, 'neither a topic nor a stream'],
    ['a topic of bad characters', { topics: ['{id}/shop'] }, '"demo/shop"'],
    ['a topic that is too long', { topics: ['x'.repeat(250)] }, '249'],
    ['a stream that is too long', { streams: ['x'.repeat(129)] }, '128'],
    ['a topic that is two dots', { topics: ['..'] }, '".."'],
    ['a topic and a stream of one name', { streams: ['{id}.shop'] }, 'claimed twice'],
    ['a topic that is no text', { topics: [1] }, 'must be a text'],
    ['no column', { schema: {} }, 'no column'],
    [
      'columns that differ by case alone',
      { key: null, schema: { a: { type: 'text' }, A: { type: 'text' } } },
      '"a" occurs',
    ],
    ['a column that begins with _', { schema: { _record: { type: 'text' } } }, '"_record"'],
    [
      'two columns from one member',
      { schema: { ind: { type: 'text' }, b: { type: 'text', from: ['ind'] } } },
      '"ind" occurs',
    ],
    ['an unknown type', { schema: { ind: { type: 'int' } } }, '"int"'],
    ['limits of a text', { schema: { ind: { type: 'text', min: 1 } } }, '"min"'],
    ['a broken limit', { schema: { ind: { type: 'integer', min: 1.5 } } }, '1.5'],
    ['limits that cross', { schema: { ind: { type: 'double', min: 2, max: 1 } } }, 'min is above max'],
    ['no key and no null', { key: undefined }, 'key is missing'],
    ['an empty key', { key: [] }, 'key is empty'],
    ['a key that is no column', { key: ['ind', 'index'] }, '"index"'],
    ['an unknown rule for repeats', { onDuplicate: 'newest' }, '"newest"'],
    ['a rule for repeats without a key', { key: null, onDuplicate: 'last' }, 'without a key'],
    ['a table that is no identifier', { tables: { stream: 'a-b', batch: 'b' } }, '"a-b"'],
    ['two tables of one name', { tables: { stream: 'Shop', batch: 'shop' } }, 'claimed twice'],
    [
      'a text that is not there',
      { clean: { file: 'clean/none.sql' } },
      'none.sql cannot be read: it does not exist',
    ],
  ])('a dataset with %s', async (_, changes, message) => {
    await expect(load(definition({ datasets: { shop: dataset(changes) } }))).rejects.toEqual(invalid(message))
  })

  test('two datasets with one topic', async () => {
    const two = { shop: dataset(), other: dataset({ tables: { stream: 'a', batch: 'b' } }) }
    await expect(load(definition({ datasets: two }))).rejects.toEqual(
      invalid('demo.shop is claimed twice: by datasets.shop and datasets.other'),
    )
  })

  test('an empty text, one that is not UTF-8, no questions', async () => {
    await expect(load(definition(), { files: { 'clean/shop.sql': ' \n' } })).rejects.toEqual(
      invalid('shop.sql is empty'),
    )
    const text = `export default ${JSON.stringify(definition())}`
    const broken = await folder({ 'pipeline.js': text, 'clean/shop.sql': Buffer.from([0x53, 0xff]) })
    await expect(loadPipeline(broken, { id: 'demo' })).rejects.toEqual(invalid('it is not UTF-8'))
    const asking = definition({ questions: { folder: 'questions' } })
    await expect(load(asking)).rejects.toEqual(invalid('questions cannot be read'))
    await expect(load(asking, { files: { 'questions/a.txt': '' } })).rejects.toEqual(invalid('no .sql file'))
  })

  test('no folder, no pipeline file, one that does not parse, one that exports nothing', async () => {
    await expect(loadPipeline(join(parent, 'none'), { id: 'demo' })).rejects.toEqual(
      invalid('none cannot be read'),
    )
    await expect(loadPipeline(parent, { id: 'demo' })).rejects.toEqual(
      invalid('neither pipeline.ts nor pipeline.js'),
    )
    const broken = await folder({ 'pipeline.js': 'export default {' })
    await expect(loadPipeline(broken, { id: 'demo' })).rejects.toEqual(
      invalid('pipeline.js cannot be imported'),
    )
    const silent = await folder({ 'pipeline.js': 'export const a = 1' })
    await expect(loadPipeline(silent, { id: 'demo' })).rejects.toEqual(invalid('exports nothing by default'))
  })

  test.each(['', 'a b', 'x'.repeat(65)])('the id %j, as configuration', async (id) => {
    await expect(load(definition(), { id })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
