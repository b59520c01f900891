import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reasons } from '../../src/clean/index.ts'

test('the guide has every reason with its help, and no other', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/quarantine.md'), 'utf8')
  const rows = [...guide.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, help]) => [code, help])
  expect(rows).toEqual(Object.entries(reasons))
  expect(Object.values(reasons).every((help) => /[.]$/.test(help))).toBe(true)
})
