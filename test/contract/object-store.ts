/** What every object store does, wherever it keeps its objects. @see src/core/object-store/object-store.ts */
import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ObjectStore } from '../../src/core/index.ts'

export interface StoreUnderTest {
  store: ObjectStore
  /** The same objects as another worker sees them. */
  another(): ObjectStore
  remove(): Promise<void>
}

const content = (text: string): Buffer => Buffer.from(text)

export function describeObjectStore(name: string, open: () => Promise<StoreUnderTest>): void {
  async function openStore(): Promise<StoreUnderTest> {
    const opened = await open()
    onTestFinished(() => opened.remove())
    return opened
  }

  describe(name, () => {
    test('gives back what was put, and nothing for what was not', async () => {
      const { store, another } = await openStore()
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      await store.put('a/b', everyByte)
      await store.put('a/empty', Buffer.alloc(0))
      expect(await store.get('a/b')).toEqual(everyByte)
      expect(await another().get('a/b')).toEqual(everyByte)
      expect(await store.get('a/empty')).toEqual(Buffer.alloc(0))
      for (const none of ['a', 'a/c', 'a/b/c', 'no/such']) expect(await store.get(none)).toBeUndefined()
    })

    test('put replaces, put if absent does not', async () => {
      const { store } = await openStore()
      expect(await store.putIfAbsent('k/a', content('first'))).toBe(true)
      expect(await store.putIfAbsent('k/a', content('second'))).toBe(false)
      expect(String(await store.get('k/a'))).toBe('first')
      await store.put('k/a', content('third'))
      expect(String(await store.get('k/a'))).toBe('third')
      await store.delete('k/a')
      expect(await store.putIfAbsent('k/a', content('fourth'))).toBe(true)
    })

    test('of eight that put one absent key at once, one wins and all see its object', async () => {
      const { store, another } = await openStore()
      const stores = [store, another()]
      for (let round = 0; round < 20; round++) {
        const key = `race/${round}/object`
        const won = await Promise.all(
          Array.from({ length: 8 }, (_, at) => stores[at % 2]!.putIfAbsent(key, content(`${at}`))),
        )
        expect(won.filter(Boolean)).toHaveLength(1)
        expect(String(await another().get(key))).toBe(String(won.indexOf(true)))
      }
      expect(await store.list('race/')).toHaveLength(20)
    })

    test('an object is never seen in part, nor listed with another size', async () => {
      const { store, another } = await openStore()
      const large = Buffer.alloc(4 * 2 ** 20, 'x')
      const digest = createHash('sha1').update(large).digest('hex')
      let done = false
      const puts = (async () => {
        for (let count = 0; count < 5; count++) await store.putIfAbsent(`large/${count}`, large)
        await store.put('large/0', large)
        done = true
      })()
      while (!done) {
        for (const { key, sizeBytes } of await another().list('large/')) {
          expect(sizeBytes).toBe(large.length)
          expect(
            createHash('sha1')
              .update((await another().get(key))!)
              .digest('hex'),
          ).toBe(digest)
        }
      }
      await puts
      expect((await store.list('large/')).map(({ key }) => key)).toEqual(
        [0, 1, 2, 3, 4].map((at) => `large/${at}`),
      )
    })

    test('lists the whole subtree of a prefix in order of the key, or only what comes after one', async () => {
      const { store } = await openStore()
      const keys = [
        'p/a',
        'p/a.b',
        'p/a/b',
        'p/a/b/c',
        'p/a0',
        'p/b=1/x+y',
        'p/.hidden',
        'p/B',
        'p0/a',
        'q/a',
      ]
      for (const key of keys.filter((key) => key !== 'p/a' && key !== 'p/a/b'))
        await store.put(key, content(key))
      const expected = ['p/.hidden', 'p/B', 'p/a.b', 'p/a/b/c', 'p/a0', 'p/b=1/x+y']
      const listed = await store.list('p/')
      expect(listed.map(({ key }) => key)).toEqual(expected)
      expect(listed.map(({ sizeBytes }) => sizeBytes)).toEqual(expected.map((key) => key.length))
      for (const [at, key] of expected.entries()) {
        expect((await store.list('p/', key)).map((found) => found.key)).toEqual(expected.slice(at + 1))
      }
      expect((await store.list('p/', 'p/a/')).map(({ key }) => key)).toEqual(expected.slice(3))
      expect((await store.list('p/a/')).map(({ key }) => key)).toEqual(['p/a/b/c'])
      for (const none of ['no/', 'p/a0/']) expect(await store.list(none)).toEqual([])
    })

    test('deletes what is there, and nothing where nothing is', async () => {
      const { store } = await openStore()
      await store.put('d/a', content('a'))
      await store.put('d/b', content('b'))
      await store.delete('d/a')
      await store.delete('d/a')
      await store.delete('no/such')
      expect((await store.list('d/')).map(({ key }) => key)).toEqual(['d/b'])
    })

    test.each(['', '/a', 'a/', 'a//b', '.', 'a/.', '..', '../a', 'a/../b', 'a\0b', '.put~x', 'a/.put~/b'])(
      'the key %j is a caller’s error',
      async (key) => {
        const { store } = await openStore()
        await expect(store.put(key, content('x'))).rejects.toThrow(TypeError)
        await expect(store.putIfAbsent(key, content('x'))).rejects.toThrow(TypeError)
        await expect(store.get(key)).rejects.toThrow(TypeError)
        await expect(store.delete(key)).rejects.toThrow(TypeError)
        await expect(store.list(`${key}/`)).rejects.toThrow(TypeError)
      },
    )

    test.each(['.put-x', 'a/.put-0/b', 'topic=%20/ä\u{1f4cc}', '...', 'a/..b', '~', '-'])(
      'the key %j is a key like others',
      async (key) => {
        const { store, another } = await openStore()
        expect(await store.putIfAbsent(`k/${key}`, content('x'))).toBe(true)
        expect((await another().list('k/')).map((found) => found.key)).toEqual([`k/${key}`])
        expect(String(await another().get(`k/${key}`))).toBe('x')
      },
    )
  })
}
