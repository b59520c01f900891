import { expect, test } from 'vitest'
import { call, openGateway } from '../harness.ts'

const replicas = [{ broker: 0, leader: true, in_sync: true }]

test('topics, partitions, offsets and brokers read as from a broker of one', async () => {
  const { url, log } = await openGateway()
  await log.createTopic('b', { partitions: 2, partitioner: 'kafka' })
  await log.createTopic('a', { partitions: 1, partitioner: 'kinesis' })
  await log.append({ topic: 'b', partition: 1, records: [{ key: null, value: null }] })
  const partitions = [0, 1].map((partition) => ({ partition, leader: 0, replicas }))
  const get = async (path: string) => (await call(url + path)).json
  expect(await get('/topics')).toEqual(['a', 'b'])
  expect(await get('/topics/b')).toEqual({ name: 'b', configs: {}, partitions })
  expect(await get('/topics/b/partitions')).toEqual(partitions)
  expect(await get('/topics/b/partitions/1')).toEqual(partitions[1])
  expect(await get('/topics/b/partitions/1/offsets')).toEqual({ beginning_offset: 0, end_offset: 1 })
  expect(await get('/brokers')).toEqual({ brokers: [0] })
})

test('what is missing is a 404 with its code', async () => {
  const { url, log } = await openGateway()
  await log.createTopic('b', { partitions: 2, partitioner: 'kafka' })
  const missing = { error_code: 40403, message: 'This server does not host this topic-partition.' }
  for (const path of ['', '/partitions', '/partitions/0', '/partitions/0/offsets']) {
    const answer = await call(`${url}/topics/none${path}`)
    expect([answer.status, answer.json]).toEqual([404, missing])
  }
  for (const path of ['/partitions/2', '/partitions/x', '/partitions/2/offsets']) {
    const answer = await call(`${url}/topics/b${path}`)
    expect([answer.status, answer.json]).toEqual([
      404,
      { error_code: 40402, message: 'Partition not found.' },
    ])
  }
})
