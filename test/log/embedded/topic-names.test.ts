import { linkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openLog, temporaryFolder } from './support.ts'

const one = { partitions: 1, partitioner: 'kafka' } as const
const refused = (message: RegExp) => ({
  code: 'TOPIC_NAME_INVALID',
  message: expect.stringMatching(message),
})

test.each(['_pinflow', '_PINFLOW'])(
  'the name of what the lake keeps for itself, %s, is refused',
  async (name) => {
    const log = await openLog(await temporaryFolder())
    await expect(log.createTopic(name, one)).rejects.toMatchObject(refused(/keeps for itself/))
    await log.createTopic('_pinflow_', one)
  },
)

test('names that differ in case alone are two topics where the volume tells them apart, and only there', async () => {
  const folder = await temporaryFolder()
  const log = await openLog(folder)
  for (const name of ['Orders', 'orders', 'Gone']) await log.createTopic(name, one)
  await log.deleteTopic('Gone')
  await log.close()
  // As a volume that does not would answer.
  linkSync(`${folder}/catalog.json`, `${folder}/CATALOG.JSON`)
  const blind = await openLog(folder)
  expect(blind.topics().map(({ name }) => name)).toEqual(['Orders', 'orders'])
  await expect(blind.createTopic('ORDERS', one)).rejects.toMatchObject(
    refused(/ORDERS differs in case alone from Orders/),
  )
  // Raw objects of a topic stay when it is deleted.
  await expect(blind.createTopic('gone', one)).rejects.toMatchObject(
    refused(/gone differs in case alone from Gone/),
  )
  await blind.createTopic('Gone', one)
  await blind.createTopic('other', one)
})
