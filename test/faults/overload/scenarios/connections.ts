import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Broken, type Outcome } from '../../campaign.ts'
import { mebibytes } from '../checks.ts'
import { Client } from '../client.ts'
import { Connections } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'idle connections, and more than there may be'
const idle = 5_000
const filesMax = 1_024
const beyond = 1_400

/** 5,000 connections that do nothing beside normal traffic; then more than the process may open files for. */
export const connections: Scenario = { name, run }

async function run(records: Records): Promise<Outcome> {
  const own = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  const few = await withSubject(name, { before: limited(filesMax) }, (subject, tally) =>
    actBeyond(subject, tally, records),
  )
  const skipped = { [`${idle} idle connections`]: `a process here may open ${own} files` }
  if (own < idle + 500) return { ...few, skipped }
  const many = await withSubject(name, { before: limited(idle * 2) }, (subject, tally) =>
    actIdle(subject, tally, records),
  )
  return { ...many, records: few.records + many.records, figures: { ...few.figures, ...many.figures } }
}

/** With so many files at most. */
function limited(files: number): string[] {
  return ['sh', '-c', `ulimit -n ${files} && exec "$@"`, 'sh']
}

async function actIdle(subject: Subject, tally: Tally, records: Records) {
  const before = subject.rssBytes()
  const idlers = await openAll(subject, idle)
  try {
    // Each has been used once.
    for (const client of idlers) {
      const { status } = await client.send('GET', '/brokers', 'application/json', '')
      if (status !== 200) throw new Broken(`one of ${idle} connections is answered with ${status}`)
    }
    const held = subject.rssBytes() - before
    await normalTraffic(subject, tally, records)
    if (tally.refused > 0) throw new Broken(`${tally.refused} requests were refused beside idle connections`)
    return { 'MiB that 5,000 idle connections take': [mebibytes(held)] }
  } finally {
    for (const client of idlers) client.close()
  }
}

async function actBeyond(subject: Subject, tally: Tally, records: Records) {
  const others = await Connections.open(subject, 2)
  const clients = await openAll(subject, beyond)
  try {
    let [served, refused, closed] = [0, 0, 0]
    const large = records.large(1_000)
    await Promise.all(
      clients.map(async (client) => {
        try {
          if (await tally.send(client, large)) served++
          else refused++
        } catch (error) {
          if (error instanceof Broken) throw error
          // Beyond those that are told, connections are closed before they have sent anything.
          closed++
        }
      }),
    )
    if (served === 0 || refused === 0) throw new Broken(`${served} of ${beyond} served, ${refused} refused`)
    const accepted = tally.accepted
    await others.send(0, tally, large)
    if (tally.accepted === accepted) throw new Broken('who was there first is no longer served')
    for (const client of clients) client.close()
    await sleep(200)
    await normalTraffic(subject, tally, records)
    return { 'connections refused politely': [refused], 'connections closed without a word': [closed] }
  } finally {
    others.close()
    for (const client of clients) client.close()
  }
}

async function openAll(subject: Subject, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let at = 0; at < count; at += 50)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => Client.open(subject.gatewayUrl)))))
  return clients
}

async function normalTraffic(subject: Subject, tally: Tally, records: Records): Promise<void> {
  const connection = await Connections.open(subject, 1)
  const accepted = tally.accepted
  const requests = records.requests(150, 10)
  for (const request of requests) await connection.send(0, tally, request)
  connection.close()
  if (tally.accepted - accepted < requests.length) throw new Broken('normal traffic was refused')
}
