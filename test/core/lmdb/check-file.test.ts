import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { open as openLmdb } from 'lmdb'
import { expect, onTestFinished, test } from 'vitest'
import { checkLmdbFile, readFirstEntry } from '../../../src/core/index.ts'

const pageBytes = 4_096

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lmdb-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'file.lmdb')
}

function open(path: string) {
  return openLmdb<Buffer, Buffer>({
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  })
}

/** Entries of every size, in several transactions, with free pages between them. */
async function filled(path: string, transactions = 12): Promise<Map<string, number>> {
  const database = open(path)
  const entries = new Map<string, number>()
  for (let transaction = 0; transaction < transactions; transaction++) {
    const puts = []
    for (let place = 0; place < 40; place++) {
      const key = `key ${(place * 7 + transaction * 11) % 300}`
      const bytes = place === 0 ? 9_000 : place * 3
      entries.set(key, bytes)
      puts.push(database.put(Buffer.from(key), Buffer.alloc(bytes, transaction)))
    }
    await Promise.all(puts)
  }
  await database.close()
  return entries
}

test('every entry is shown in order, with its value unless it is on pages of its own', async () => {
  const path = temporaryPath()
  const entries = await filled(path)
  const seen: [string, number | undefined][] = []
  expect(checkLmdbFile(path, (key, value) => seen.push([String(key), value?.length]))).toBe(true)
  const expected = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  expect(seen).toEqual(expected.map(([key, bytes]) => [key, bytes > 2_000 ? undefined : bytes]))
  expect(readFirstEntry(path)).toMatchObject({ key: Buffer.from(expected[0]![0]) })
  expect(readFirstEntry(path)?.value).toHaveLength(expected[0]![1])
})

test('whatever LMDB has written is taken for whole', async () => {
  const operation = fc.record({ key: fc.nat(200), bytes: fc.nat(12_000), isRemoval: fc.boolean() })
  const transactions = fc.array(fc.array(operation, { minLength: 1, maxLength: 20 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(transactions, async (batches) => {
      const folder = mkdtempSync(join(tmpdir(), 'lmdb-'))
      const path = join(folder, 'file.lmdb')
      const database = open(path)
      const keys = new Set<number>()
      for (const batch of batches) {
        const done = batch.map(({ key, bytes, isRemoval }) => {
          keys[isRemoval ? 'delete' : 'add'](key)
          const name = Buffer.from(`${key}`)
          return isRemoval ? database.remove(name) : database.put(name, Buffer.alloc(bytes))
        })
        await Promise.all(done)
        let count = 0
        checkLmdbFile(path, () => count++)
        expect(count).toBe(keys.size)
      }
      await database.close()
      rmSync(folder, { recursive: true })
    }),
    { numRuns: 40 },
  )
})

test('a bit changed anywhere is found, or LMDB reads what was written', async () => {
  const path = temporaryPath()
  const entries = await filled(path)
  const whole = readFileSync(path)
  const values = new Map<string, Buffer>()
  const database = open(path)
  for (const key of entries.keys()) values.set(key, Buffer.from(database.get(Buffer.from(key))!))
  await database.close()
  let found = 0
  const heads = Array.from({ length: whole.length / pageBytes }, (_, page) => page * pageBytes)
  const places = heads.flatMap((head) => Array.from({ length: 24 }, (_, at) => head + at))
  const metas = [0, pageBytes].flatMap((head) => Array.from({ length: 144 }, (_, at) => head + 24 + at))
  for (const [index, at] of [...places, ...metas].entries()) {
    // All of them take minutes.
    if (index % 11 !== 0) continue
    const hurt = Buffer.from(whole)
    hurt[at]! ^= 1 << (index % 8)
    writeFileSync(path, hurt)
    try {
      // What is in values, and the bytes of keys, is for those who wrote them to check.
      checkLmdbFile(path)
    } catch {
      found++
      continue
    }
    const again = open(path)
    for (const [key, value] of values) {
      const read = again.get(Buffer.from(key))
      // Pages of a large value have no heads but the first.
      expect(value.length > 2_000 ? read?.length === value.length : read?.equals(value), `byte ${at}`).toBe(
        true,
      )
    }
    await again.put(Buffer.from('one more'), Buffer.alloc(5_000))
    await again.close()
    checkLmdbFile(path)
  }
  expect(found).toBeGreaterThan(places.length / 40)
})

test('the newest transaction is not lost when its number becomes that of the one before the last', async () => {
  const path = temporaryPath()
  await filled(path, 7)
  const whole = readFileSync(path)
  const newest = pageBytes
  expect(whole.readBigUInt64LE(newest + 152)).toBe(7n)
  const hurt = Buffer.from(whole)
  hurt.writeBigUInt64LE(5n, newest + 152)
  writeFileSync(path, hurt)
  const seen: string[] = []
  checkLmdbFile(path, (key) => seen.push(String(key)))
  expect(readFileSync(path).readBigUInt64LE(newest + 152)).toBe(7n)
  writeFileSync(path, whole)
  const expected: string[] = []
  checkLmdbFile(path, (key) => expected.push(String(key)))
  expect(seen).toEqual(expected)
})

test('a page that is free and in use is damage: the next write would destroy it', async () => {
  const path = temporaryPath()
  await filled(path)
  const hurt = readFileSync(path)
  const meta = hurt.readBigUInt64LE(pageBytes + 152) > hurt.readBigUInt64LE(152) ? pageBytes : 0
  const leaf = Number(hurt.readBigUInt64LE(meta + 88)) * pageBytes
  const main = hurt.readBigUInt64LE(meta + 136)
  // The last page number in the first list of free pages.
  const node = leaf + 24 + hurt.readUInt16LE(leaf + 24)
  const list = node + 8 + hurt.readUInt16LE(node + 6)
  const length = Number(hurt.readBigUInt64LE(list))
  hurt.writeBigUInt64LE(main, list + 8 * length)
  writeFileSync(path, hurt)
  expect(() => checkLmdbFile(path)).toThrow(`page ${main} is free, and in use`)
})

test('what hides an entry is damage: a count, a bound, a root', async () => {
  const path = temporaryPath()
  await filled(path)
  const whole = readFileSync(path)
  const meta = whole.readBigUInt64LE(pageBytes + 152) > whole.readBigUInt64LE(152) ? pageBytes : 0
  for (const at of [102, 104, 112, 120, 128, 136, 144]) {
    const hurt = Buffer.from(whole)
    hurt[meta + at]! -= 1
    writeFileSync(path, hurt)
    expect(() => checkLmdbFile(path), `byte ${at}`).toThrow()
  }
})

test('an empty file and one of zeros are files whose making was cut off; one cut short is damage', async () => {
  const path = temporaryPath()
  for (const content of [Buffer.alloc(0), Buffer.alloc(8_192)]) {
    writeFileSync(path, content)
    expect(checkLmdbFile(path)).toBe(false)
  }
  rmSync(path)
  await filled(path)
  const whole = readFileSync(path)
  writeFileSync(path, whole.subarray(0, whole.length / 2))
  expect(() => checkLmdbFile(path)).toThrow(/page \d+/)
})
