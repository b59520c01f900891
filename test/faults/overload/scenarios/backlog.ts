import { Broken } from '../../campaign.ts'
import { Connections } from '../flood.ts'
import { datasets, type Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'a large backlog, and a question for all of it'
const records = 300_000
const each = 300
const clientsCount = 6

/** 300,000 records at once, cleaned as a batch; then everything that the tables hold is asked for. */
export const backlog: Scenario = {
  name,
  run: (made) => withSubject(name, {}, (subject, tally) => act(subject, tally, made)),
}

async function act(subject: Subject, tally: Tally, made: Records) {
  const connections = await Connections.open(subject, clientsCount)
  let left = records / each
  await Promise.all(
    Array.from({ length: clientsCount }, async (_, at) => {
      while (left-- > 0) {
        const [request] = made.requests(1, each, at)
        while (!(await connections.send(at, tally, request!)));
      }
    }),
  )
  connections.close()
  await subject.call('runBatch')
  let answered = 0
  for (const dataset of datasets) {
    const sql = `SELECT * FROM batch.${dataset}`
    try {
      await subject.call('sql', { sql, from: 'batch' }, (item) => {
        answered += (item as { rows?: unknown[] }).rows?.length ?? 0
      })
    } catch (error) {
      if (!String(error).includes('ANSWER_TOO_LARGE')) throw new Broken(`${sql}: ${error}`)
    }
  }
  return { 'rows of answers to questions for everything': [answered] }
}
