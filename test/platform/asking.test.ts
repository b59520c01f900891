/** Questions while something is wrong with a table. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { runSql } from '../../src/platform/index.ts'
import { House } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

test.each([
  ['changed', (path: string) => change(path), /is not what was written: its SHA-256 differs$/],
  ['gone', (path: string) => rm(path), /\.parquet is missing$/],
])('a table with a file that is %s is in the way only of a text that names it', async (_, hurt, message) => {
  const house = await House.make()
  await house.open()
  await house.send(4)
  await house.platform.settle()
  await house.platform.runBatch()
  const { table } = house.platform.catalog.find(({ name }) => name === 'batch.weather')!
  const [file] = (await table.snapshot())!.files.keys()
  await hurt(await table.store.localPath(`${table.prefix}/${file}`))
  await house.close()
  const platform = await house.open()
  const ask = (sql: string) => runSql(platform, sql, 'batch')
  expect((await ask('SELECT count(*) AS n FROM harvest')).rows).toEqual([{ n: 2 }])
  const shown = (await ask('SHOW ALL TABLES')).rows.map(({ schema, name }) => `${schema}.${name}`)
  expect(shown).toContain('batch.harvest')
  expect(shown).not.toContain('batch.weather')
  for (const name of ['weather', 'batch.weather', 'BATCH.Weather', 'demo_weather'])
    await expect(ask(`SELECT count(*) AS n FROM ${name}`)).rejects.toMatchObject({
      code: 'TABLE_DAMAGED',
      message: expect.stringMatching(message),
    })
})

async function change(path: string): Promise<void> {
  const content = await readFile(path)
  content[100]! ^= 1
  await writeFile(path, content)
}
