/** Answers that are kept. */
import { appendFile, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type OperationName, runOperation } from '../../src/api/index.ts'
import { answerBook, type KeptRun, type Platform, report, Stopwatch } from '../../src/platform/index.ts'
import { mountVolume } from '../volume.ts'
import { House, orchardWithout } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

async function run(platform: Platform, name: OperationName, parameters: object) {
  const items: Record<string, unknown>[] = []
  const emit = (item: unknown) => void items.push(item as Record<string, unknown>)
  const result = await runOperation(
    name,
    { platform, signal: new AbortController().signal, emit },
    parameters,
  )
  return { items, result }
}

const askAll = (platform: Platform) => run(platform, 'ask', { from: 'batch' })

async function filled(): Promise<House> {
  const house = await House.make()
  const platform = await house.open()
  await house.send(8)
  await platform.settle()
  await platform.runBatch()
  return house
}

test('every batch and every ask keeps its answers, which are shown as they were when the tables have moved on', async () => {
  const house = await filled()
  const { platform } = house
  const done = await report(platform, { seconds: new Stopwatch() })
  expect(done.kept).toEqual({ run: 1 })
  const { items, result } = await askAll(platform)
  expect(items.map(({ question }) => question)).toEqual(['stations', 'varieties', 'warm-days'])
  expect(result).toEqual({ run: 2 })
  await house.send(8)
  await platform.settle()
  await platform.runBatch()
  const kept = (await run(platform, 'keptRun', { run: 2 })).result as KeptRun
  expect(kept).toMatchObject({ run: 2, by: 'ask', from: 'batch' })
  expect(kept.answers.map(({ rows, versions }) => ({ rows, versions }))).toEqual(
    items.map(({ rows, versions }) => ({ rows, versions })),
  )
  expect((await askAll(platform)).items[1]).not.toMatchObject({ rows: items[1]?.rows })
  expect((await run(platform, 'keptRuns', {})).result).toMatchObject([
    { run: 3, by: 'ask', questions: ['stations', 'varieties', 'warm-days'] },
    { run: 2 },
    { run: 1, by: 'batch' },
  ])
  await expect(run(platform, 'keptRun', { run: 4 })).rejects.toMatchObject({
    code: 'ANSWERS_UNKNOWN',
    message: expect.stringContaining('runs 1 to 3 are'),
  })
})

test('a changed question and a changed definition are said, nothing else is', async () => {
  const house = await filled()
  await askAll(house.platform)
  const changesOf = async () => {
    const { answers } = (await run(house.platform, 'keptRun', { run: 1 })).result as {
      answers: { question: string; changes: string[] }[]
    }
    return Object.fromEntries(answers.map(({ question, changes }) => [question, changes]))
  }
  expect(await changesOf()).toEqual({ stations: [], varieties: [], 'warm-days': [] })
  await house.close()
  const pipeline = await orchardWithout('weather')
  const questions = pipeline.questions
    .filter(({ name }) => name !== 'warm-days')
    .map((known) => (known.name === 'varieties' ? { ...known, sql: `${known.sql} ` } : known))
  await house.open({ pipeline: { ...pipeline, questions } })
  expect(await changesOf()).toEqual({
    stations: ['the definition of weather has changed'],
    varieties: ['the text of the question has changed'],
    'warm-days': ['the pipeline no longer has this question', 'the definition of weather has changed'],
  })
})

test('the newest 200 runs are kept, of a large answer 1,000 rows', async () => {
  const house = await filled()
  await house.send(6_000, ['weather'])
  await house.platform.settle()
  await house.platform.runBatch()
  const large = { name: 'large', title: 'All', sql: 'SELECT celsius FROM weather' }
  await house.close()
  const { orchard } = await import('./house.ts')
  const platform = await house.open({ pipeline: { ...(await orchard()), questions: [large] } })
  await run(platform, 'ask', { question: 'large', from: 'batch' })
  const { answers: first } = (await run(platform, 'keptRun', { run: 1 })).result as KeptRun
  const book = answerBook(platform)
  for (let asked = 0; asked < 200; asked++)
    await book.keep({ timeMs: 0, by: 'ask', from: 'batch', answers: first })
  await run(platform, 'ask', { question: 'large', from: 'batch' })
  const names = (await readdir(join(house.data, 'answers'))).sort()
  expect(names).toHaveLength(200)
  expect(Number.parseInt(names[0]!, 10)).toBe(3)
  const { answers } = (await run(platform, 'keptRun', { run: 202 })).result as KeptRun
  expect(answers[0]?.rows).toHaveLength(1_000)
  expect(answers[0]?.rowCount).toBe(4_506)
})

test('a damaged file is told as such, and the others are listed', async () => {
  const house = await filled()
  for (let asked = 0; asked < 2; asked++) await askAll(house.platform)
  const file = join(house.data, 'answers', `${'1'.padStart(20, '0')}.json`)
  const content = await readFile(file)
  content[100]! ^= 1
  await writeFile(file, content)
  await expect(run(house.platform, 'keptRun', { run: 1 })).rejects.toMatchObject({ code: 'ANSWERS_DAMAGED' })
  expect((await run(house.platform, 'keptRuns', {})).result).toMatchObject([
    { run: 2, by: 'ask' },
    { run: 1, error: expect.stringContaining('checksum') },
  ])
})

test('what cannot be kept is answered all the same', async () => {
  const house = await filled()
  await writeFile(join(house.data, 'answers'), 'in the way')
  const { items, result } = await askAll(house.platform)
  expect(items).toHaveLength(3)
  expect(result).toEqual({ notKept: expect.stringContaining('ENOTDIR') })
})

async function fillUp(file: string): Promise<void> {
  for (let room = true; room; )
    room = await appendFile(file, Buffer.alloc(4_096)).then(
      () => true,
      () => false,
    )
}

const volume = mountVolume('size=64k')
test.skipIf(!volume)('a full disk does not fail an answer', async () => {
  onTestFinished(() => volume!.remove())
  const house = await filled()
  await symlink(volume!.path, join(house.data, 'answers'))
  await fillUp(join(volume!.path, 'filler'))
  const { items, result } = await askAll(house.platform)
  expect(items).toHaveLength(3)
  expect(result).toEqual({ notKept: expect.stringContaining('ENOSPC') })
  // Nothing of the attempt is left.
  expect((await readdir(volume!.path)).sort()).toEqual(['filler'])
})
