/** What the README tells people to send is accepted as it says. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSql } from '../../src/platform/index.ts'
import { type Running, startServer } from '../e2e/server.ts'

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const section = /^## Send a record$(.*?)^## /ms.exec(readme)?.[1] ?? ''
const examples = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text)

let server: Running
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

test('a record through each door is a row', async () => {
  expect(examples).toHaveLength(3)
  for (const example of examples) {
    const script = example.replace('http://127.0.0.1:8082', server.gatewayUrl)
    const { stdout } = await promisify(execFile)('sh', ['-e', '-c', script])
    expect(stdout).toMatch(/^HTTP\/1\.1 200 /)
    expect(stdout.toLowerCase()).not.toContain('pinflow-quarantine')
  }
  await server.platform.settle()
  const { rows } = await runSql(server.platform, 'SELECT ind, country FROM geo ORDER BY ind', 'stream')
  expect(rows).toEqual([
    { ind: 1, country: 'Germany' },
    { ind: 2, country: 'France' },
    { ind: 3, country: 'Peru' },
  ])
})

test('the commands that CI takes from it stand after their markers', () => {
  expect(readme).toContain('\n<!-- demo -->\n```sh\nnpm ci && npm run demo\n```\n')
  expect(readme).toContain('\n<!-- test -->\n```sh\nnpm ci && npm test\n```\n')
})
