import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DataFolder } from '../../src/core/index.ts'

const holder = fileURLToPath(new URL('hold-data-folder.ts', import.meta.url))
const code = (name: string) => expect.objectContaining({ code: name })

let root: string
let data: string
const children: ChildProcess[] = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pinflow-data-'))
  data = join(root, 'a', 'data')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(root, { recursive: true })
})

/** Another process that tries to own the folder, and what it says. */
async function hold(url: string): Promise<{ child: ChildProcess; answer: unknown }> {
  const child = fork(holder, [data, url], { execArgv: [] })
  children.push(child)
  const [answer] = await once(child, 'message')
  return { child, answer }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

describe('a data folder', () => {
  test('is made with its parents, and carries a format that is put once', async () => {
    await (await DataFolder.open(data)).close()
    const first = await readFile(join(data, 'pinflow.json'), 'utf8')
    expect(JSON.parse(first)).toEqual({ format: 1, createdMs: expect.any(Number) })
    await (await DataFolder.open(data)).close()
    expect(await readFile(join(data, 'pinflow.json'), 'utf8')).toBe(first)
  })

  test('gives paths, and makes nothing for them', async () => {
    const folder = await DataFolder.open(data)
    expect(folder.path('log')).toBe(join(data, 'log'))
    await folder.close()
    expect(await readdir(data)).not.toContain('log')
  })

  test('of a newer format is refused before anything in it is touched', async () => {
    await mkdir(data, { recursive: true })
    await writeFile(join(data, 'pinflow.json'), '{"format": 2}')
    await expect(DataFolder.open(data)).rejects.toEqual(code('DATA_FOLDER_NEWER'))
    expect(await DataFolder.owner(data)).toBeUndefined()
    expect(await readdir(data)).toEqual(['pinflow.json'])
  })

  test.each(['', '[', '{}', '{"format": "1"}', 'null'])('whose format is %j is unusable', async (content) => {
    await mkdir(data, { recursive: true })
    await writeFile(join(data, 'pinflow.json'), content)
    await expect(DataFolder.open(data)).rejects.toEqual(code('DATA_FOLDER_UNUSABLE'))
  })

  test('that is a file, or lies below one, is unusable', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(DataFolder.open(join(root, 'file'))).rejects.toEqual(code('DATA_FOLDER_UNUSABLE'))
    await expect(DataFolder.open(join(root, 'file', 'data'))).rejects.toEqual(code('DATA_FOLDER_UNUSABLE'))
  })

  test('where no folder can be made is unusable, and nobody waits for it', async () => {
    await expect(DataFolder.open('/proc/none/data')).rejects.toThrow(code('DATA_FOLDER_UNUSABLE'))
  })

  test('is not made of a folder that holds other things, and nothing is put into that', async () => {
    await mkdir(join(data, 'tmp'), { recursive: true })
    await expect(DataFolder.open(data)).rejects.toEqual(code('DATA_FOLDER_UNUSABLE'))
    expect(await readdir(data)).toEqual(['tmp'])
  })

  test('may be made in an empty volume', async () => {
    await mkdir(join(data, 'lost+found'), { recursive: true })
    await (await DataFolder.open(data)).close()
  })
})

describe('the owner of a data folder', () => {
  test('is alone, in this process and in others, and is named with its URL', async () => {
    const url = 'http://127.0.0.1:4711'
    const { child, answer } = await hold(url)
    expect(answer).toBe('published')
    expect(await DataFolder.owner(data)).toEqual({
      apiUrl: url,
      gatewayUrl: `${url}/gateway`,
      token: 'secret',
      pid: child.pid,
    })
    await expect(DataFolder.open(data)).rejects.toEqual(
      expect.objectContaining({ code: 'DATA_FOLDER_IN_USE', message: expect.stringContaining(url) }),
    )
    expect((await hold('http://127.0.0.1:4712')).answer).toBe('DATA_FOLDER_IN_USE')
  })

  test('that closed is followed by the next', async () => {
    const { child } = await hold('http://127.0.0.1:4711')
    child.send('close')
    await ended(child)
    expect(await readdir(data)).not.toContain('server.json')
    expect(await DataFolder.owner(data)).toBeUndefined()
    expect((await hold('http://127.0.0.1:4712')).answer).toBe('published')
  })

  test('that was killed is no owner any more, and its address does not outlive it', async () => {
    const { child } = await hold('http://127.0.0.1:4711')
    child.kill('SIGKILL')
    await ended(child)
    expect(await readdir(data)).toContain('server.json')
    expect(await DataFolder.owner(data)).toBeUndefined()
    const folder = await DataFolder.open(data)
    expect(await DataFolder.owner(data)).toBeUndefined()
    await expect(DataFolder.open(data)).rejects.toEqual(
      expect.objectContaining({ message: expect.not.stringContaining('4711') }),
    )
    await folder.close()
  })

  test('says where it listens to its user alone', async () => {
    await hold('http://127.0.0.1:4711')
    expect((await stat(join(data, 'server.json'))).mode & 0o777).toBe(0o600)
    expect((await readdir(data)).filter((name) => name.includes('server.json'))).toEqual(['server.json'])
  })

  test('is not kept out by those who ask who it is', async () => {
    await (await DataFolder.open(data)).close()
    await writeFile(join(data, 'server.json'), '{"apiUrl":"http://127.0.0.1:1"}')
    for (let round = 0; round < 20; round++) {
      const asking = Array.from({ length: 10 }, () => DataFolder.owner(data))
      const folder = await DataFolder.open(data)
      await Promise.all(asking)
      await folder.close()
    }
  })

  test('closes once, however often it is told to', async () => {
    const folder = await DataFolder.open(data)
    await folder.close()
    await folder.close()
    const next = await DataFolder.open(data)
    await folder.close()
    await expect(DataFolder.open(data)).rejects.toEqual(code('DATA_FOLDER_IN_USE'))
    await next.close()
  })

  test('of a folder that is not there is nobody, and asking makes nothing', async () => {
    expect(await DataFolder.owner(data)).toBeUndefined()
    expect(await readdir(root)).toEqual([])
  })
})
