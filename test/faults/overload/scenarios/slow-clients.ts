import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../../campaign.ts'
import { Client } from '../client.ts'
import { Connections } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'clients that read or send slowly, or not at all'
const jsonType = 'application/vnd.kafka.json.v2+json'
const forMs = 12_000
const slow = { senders: 40, sentAtOnce: 768 * 1_024, declared: 4 * 2 ** 20, byteEveryMs: 200 }
const deaf = { consumers: 60, questions: 12, producers: 40 }

/** Consumers and askers that read nothing, senders of a byte at a time, producers that read no answer. */
export const slowClients: Scenario = {
  name,
  run: (records) => withSubject(name, {}, (subject, tally) => act(subject, tally, records)),
}

async function act(subject: Subject, tally: Tally, records: Records) {
  const connections = await Connections.open(subject, 4)
  const requests = records.requests(300, 200)
  let at = 0
  for (let sent = 0; sent < 150; sent++) await connections.send(0, tally, requests[at++ % requests.length]!)
  await subject.call('runBatch')
  const clients: Client[] = []
  const timers: NodeJS.Timeout[] = []
  try {
    for (let count = 0; count < deaf.consumers; count++) {
      const topic = { topic: 'demo.pin', fromBeginning: true, follow: true }
      clients.push(await askDeaf(subject, 'consume', topic))
    }
    for (let count = 0; count < deaf.questions; count++)
      clients.push(await askDeaf(subject, 'sql', { sql: 'SELECT * FROM stream.pin', from: 'stream' }))
    for (let count = 0; count < slow.senders; count++) {
      const client = await Client.open(subject.gatewayUrl)
      clients.push(client)
      client.socket.write(client.head('POST', '/topics/demo.pin', jsonType, slow.declared))
      client.socket.write(Buffer.alloc(slow.sentAtOnce, ' '))
      timers.push(setInterval(() => client.socket.write(' '), slow.byteEveryMs))
    }
    for (let count = 0; count < deaf.producers; count++) clients.push(await produceDeaf(subject))
    const before = tally.accepted
    const until = performance.now() + forMs
    while (performance.now() < until) {
      await connections.send(1, tally, requests[at++ % requests.length]!)
      await sleep(10)
    }
    const accepted = tally.accepted - before
    if (accepted === 0) throw new Broken('slow clients kept every other from being served')
    return { 'requests accepted beside slow clients': [accepted] }
  } finally {
    for (const timer of timers) clearInterval(timer)
    for (const client of clients) client.close()
    connections.close()
  }
}

/** Ask, and read nothing of the answer. */
async function askDeaf(subject: Subject, operation: string, parameters: object): Promise<Client> {
  const client = await Client.open(subject.apiUrl)
  client.socket.pause()
  const body = JSON.stringify(parameters)
  const head = client.head('POST', `/api/${operation}`, 'application/json', body.length)
  client.socket.write(head.replace('\r\n\r\n', `\r\nAuthorization: Bearer ${subject.token}\r\n\r\n`) + body)
  return client
}

/** Ask for something large at the gateway, many times, and read nothing; nothing is appended. */
async function produceDeaf(subject: Subject): Promise<Client> {
  const client = await Client.open(subject.gatewayUrl)
  client.socket.pause()
  const request = client.head('GET', '/topics', jsonType, 0)
  client.socket.write(request.repeat(100))
  return client
}
