import { expect, test } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import { textOrBase64 } from '../../src/engine/index.ts'
import { runSql, verifyPlatform } from '../../src/platform/index.ts'
import { bad, copy, good, kafka } from '../fixtures/posts/record.ts'
import { FrontDoors } from './doors.ts'
import { startServer } from './server.ts'

/** A pipeline whose cleaning text cannot take every value: CAST raises where it cannot convert. */
const brittle = {
  name: 'brittle',
  datasets: {
    amount: {
      topics: ['{id}.amount'],
      key: 'ind',
      schema: { ind: { type: 'integer' }, amount: { type: 'text' } },
      clean: { file: 'clean/amount.sql' },
      tables: { stream: '{id}_amount_table', batch: '{id}_amount' },
    },
  },
}
const text = 'SELECT _record, ind, CAST(amount AS INT) AS amount FROM raw_amount'

const records = [
  good(0, 'takes', kafka('{"ind":0,"amount":"12"}'), { amount: 12 }),
  bad(1, 'raises', kafka('{"ind":1,"amount":"a dozen"}'), 'SQL_FAILED'),
  bad(2, 'raises as well', kafka('{"ind":2,"amount":""}'), 'SQL_FAILED'),
  good(3, 'takes', kafka('{"ind":3,"amount":"-3"}'), { amount: -3 }),
  copy(3, 'takes, once', kafka('{"ind":3,"amount":-3}')),
  good(4, 'takes null', kafka('{"ind":4,"amount":null}'), { amount: null }),
  bad(5, 'raises at the very end', kafka('{"ind":5,"amount":"99999999999"}'), 'SQL_FAILED'),
]

test('records that make the cleaning text raise are quarantined one by one, the rows around them kept', async () => {
  const { platform, gatewayUrl, stop } = await startServer({
    'pipeline.js': `export default ${JSON.stringify(brittle)}`,
    'clean/amount.sql': text,
  })
  const doors = new FrontDoors(gatewayUrl)
  try {
    for (const record of records) await doors.send('amount', record)
    await platform.settle()
    await platform.runBatch()
    for (const path of cleaningPaths) {
      const { rows } = await runSql(platform, 'SELECT * FROM amount ORDER BY ind', path)
      expect(rows).toEqual(records.flatMap(({ fate }) => ('row' in fate ? [fate.row] : [])))
      const quarantined = await runSql(
        platform,
        `SELECT "offset", reason, detail, value FROM quarantine.amount WHERE path = '${path}' ORDER BY "offset"`,
        path,
      )
      expect(quarantined.rows).toEqual(
        records.flatMap(({ fate, stored }, offset) =>
          'reason' in fate
            ? [
                {
                  offset,
                  reason: fate.reason,
                  detail: expect.stringContaining('INT32'),
                  value: textOrBase64(stored),
                },
              ]
            : [],
        ),
      )
    }
    const { ok, accounts } = await verifyPlatform(platform)
    expect(ok).toBe(true)
    const account = { read: 7, rows: 3, duplicates: 1, quarantined: 3 }
    expect(accounts.amount).toMatchObject({ stream: account, batch: account })
  } finally {
    doors.close()
    await stop()
  }
})
