import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './support.ts'

const script = fileURLToPath(new URL('few-descriptors.ts', import.meta.url))

/** @returns what the process has said; it fails when the process is ended by a signal */
async function said(what: 'read' | 'roll', left: number): Promise<string[]> {
  const limited = ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, script]
  const { stdout } = await promisify(execFile)('sh', [
    ...limited,
    await temporaryFolder(),
    what,
    String(left),
  ])
  return stdout.trim().split('\n')
}

test.each([1, 2])('with %i file descriptors left a read is refused, and can be tried again', async (left) => {
  expect(await said('read', left)).toEqual(['LOG_FAILED true', 'read 1'])
})

test.each([1, 2])(
  'with %i file descriptors left no segment is begun, and the next append does',
  async (left) => {
    expect(await said('roll', left)).toEqual(['LOG_FAILED true', expect.stringMatching(/^appended 4$/)])
  },
)
