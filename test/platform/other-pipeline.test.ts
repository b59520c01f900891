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
