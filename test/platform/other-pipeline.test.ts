import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { House, orchard } from './house.ts'

test('a data folder is of one pipeline: another is refused, and changes nothing in it', async () => {
  const house = await House.make()
  await house.fill(['copy'])
  const pipeline = { ...(await orchard()), name: 'other' }
  await expect(house.open({ pipeline })).rejects.toMatchObject({
    code: 'DATA_FOLDER_UNUSABLE',
    message: expect.stringContaining('is the data folder of pipeline orchard, not of other'),
  })
  await house.open()
  await house.expectAllRight()
})

test('a folder beside the books of a pipeline that is none is not taken for one', async () => {
  const house = await House.make()
  await house.fill(['copy'])
  // As a topic of this name, without a folder for topics.
  const folder = join(house.data, 'lake/_pinflow/partition=0')
  await mkdir(folder)
  await writeFile(join(folder, '_pinflow+0+0000000000.json'), '{}\n')
  await house.open()
  await house.expectAllRight()
})
