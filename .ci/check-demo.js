// Reads what `pinflow demo --posts N --json` printed, and fails unless every record is accounted for.
// usage: node check-demo.js FILE N
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const [file, posts] = process.argv.slice(2)
const { account, answers, verify } = JSON.parse(readFileSync(file, 'utf8'))

assert.equal(verify.ok, true, JSON.stringify(verify.checks?.filter(({ ok }) => !ok)))
assert.ok(verify.checks.length > 0, 'nothing was verified')
assert.ok(Object.keys(answers).length > 0, 'no question was answered')
assert.ok(Object.keys(account).length > 0, 'no dataset has an account')
for (const [dataset, { sent, acknowledged, appended, landed, stream, batch }] of Object.entries(account)) {
  const counts = { sent, acknowledged, appended, landed, stream: stream.read, batch: batch.read }
  for (const [name, count] of Object.entries(counts))
    assert.equal(count, Number(posts), `${dataset}: ${name}`)
  for (const { read, rows, duplicates, quarantined } of [stream, batch]) {
    assert.equal(read, rows + duplicates + quarantined, `${dataset}: read = rows + duplicates + quarantined`)
  }
  assert.deepEqual(stream, batch, `${dataset}: stream = batch`)
}
console.log(`${Object.keys(account).length} datasets with ${posts} records each, all accounted for`)
