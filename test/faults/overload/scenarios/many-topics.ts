import { Broken } from '../../campaign.ts'
import { Client } from '../client.ts'
import { Connections } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = '1,000 topics with a little traffic each'
const topics = 1_000
const rounds = 3
const clientsCount = 8
const jsonType = 'application/vnd.kafka.json.v2+json'

/** Topics of no dataset, made by their first record, in segments that are often full. */
export const manyTopics: Scenario = {
  name,
  run: (records) =>
    withSubject(name, { env: { PINFLOW_LOG_SEGMENT_BYTES: '300000' } }, (subject, tally) =>
      act(subject, tally, records),
    ),
}

async function act(subject: Subject, tally: Tally, records: Records) {
  const clients = await Promise.all(
    Array.from({ length: clientsCount }, () => Client.open(subject.gatewayUrl)),
  )
  for (let round = 0; round < rounds; round++) {
    let next = 0
    await Promise.all(
      clients.map(async (client) => {
        for (let topic = next++; topic < topics; topic = next++) {
          const { status, body } = await client.send(
            'POST',
            `/topics/little.${topic}`,
            jsonType,
            records.produce('geo', 1),
          )
          if (status !== 200) throw new Broken(`topic ${topic}: ${status} ${body}`)
        }
      }),
    )
  }
  for (const client of clients) client.close()
  const connections = await Connections.open(subject, 1)
  for (const request of records.requests(12, 20)) await connections.send(0, tally, request)
  connections.close()
  const known = await subject.call<{ name: string; partitions: { end: number }[] }[]>('topics')
  const little = known.filter(({ name: topic }) => topic.startsWith('little.'))
  const held = little.reduce((sum, { partitions }) => sum + partitions[0]!.end, 0)
  if (held !== rounds * topics)
    throw new Broken(`${rounds * topics} records in topics of their own, ${held} in the log`, {
      lost: rounds * topics - held,
    })
  const restarted = await subject.restart()
  return { 'ms to start with 1,000 topics': [restarted] }
}
