import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configDocs } from '../../scripts/config-docs.ts'
import { type ConfigSources, configKeys, describeConfig, loadConfig } from '../../src/core/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

const load = (sources: Partial<ConfigSources> = {}) =>
  loadConfig({ folder, environment: {}, flags: {}, ...sources })
const invalid = (message: string | RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })

async function write(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

describe('where values come from', () => {
  test('without anything given every key has its default', async () => {
    const { config, origins } = await load()
    expect(config).toMatchObject({
      id: 'demo',
      pipeline: null,
      gateway: { port: 8082, bodyBytesMax: 16 * 2 ** 20, stages: ['dev', 'test', 'prod'] },
      log: { retentionBytes: null },
    })
    expect(origins).toEqual(Object.fromEntries(configKeys.map(({ key }) => [key, 'default'])))
  })

  test('a flag overrides the environment, which overrides the file, which overrides the default', async () => {
    const file = await write(
      'pinflow.config.json',
      '{"id": "a", "gateway": {"port": 1}, "api": {"port": 1}, "data": "d"}',
    )
    const { config, origins } = await load({
      environment: { PINFLOW_GATEWAY_PORT: '2', PINFLOW_API_PORT: '2', PATH: '/bin' },
      flags: { 'api.port': 3, data: undefined },
    })
    expect([config.id, config.data, config.gateway.port, config.api.port]).toEqual(['a', 'd', 2, 3])
    expect(origins).toMatchObject({ 'api.port': 'flag', pipeline: 'default' })
    expect(origins.id).toContain(file)
    expect(origins.data).toContain(file)
    expect(origins['gateway.port']).toContain('environment')
  })

  test.each(['ts', 'js'])('a .%s file gives its default export', async (extension) => {
    await write(`pinflow.config.${extension}`, 'export default { lake: { topics: ["a.*", "b"] } }')
    expect((await load()).config.lake.topics).toEqual(['a.*', 'b'])
  })

  test('a file that is named is read instead of the one in the folder', async () => {
    await write('pinflow.config.json', '{"id": "here"}')
    const file = await write('other.json', '{"id": "there"}')
    expect((await load({ file })).config.id).toBe('there')
  })

  test('text of the environment becomes what the key is', async () => {
    const environment = {
      PINFLOW_GATEWAY_AUTO_CREATE_TOPICS: 'false',
      PINFLOW_GATEWAY_STAGES: 'dev, live',
      PINFLOW_GATEWAY_ACCOUNT_ID: '123456789012',
      PINFLOW_LOG_RETENTION_BYTES: '1000',
      PINFLOW_API_TOKEN: 'null',
      PINFLOW_ID: '42',
    }
    const { config } = await load({ environment })
    expect(config.gateway).toMatchObject({
      autoCreateTopics: false,
      stages: ['dev', 'live'],
      accountId: '123456789012',
    })
    expect([config.log.retentionBytes, config.api.token, config.id]).toEqual([1000, null, '42'])
  })

  test('any value of any integer key can be given by flag or environment', async () => {
    const integers = configKeys.filter(({ type }) => type.startsWith('integer '))
    expect(integers.length).toBeGreaterThan(10)
    const given = fc.constantFrom(...integers).chain((known) => {
      const [min = 0, max = Number.MAX_SAFE_INTEGER] = (known.type.match(/\d+/g) ?? []).map(Number)
      return fc.tuple(fc.constant(known), fc.integer({ min, max }))
    })
    await fc.assert(
      fc.asyncProperty(given, async ([{ key, variable }, value]) => {
        const byFlag = await load({ flags: { [key]: value } })
        const byText = await load({ environment: { [variable]: String(value) } })
        expect(byFlag.config).toEqual(byText.config)
        expect(describeConfig(byFlag).find((entry) => entry.key === key)?.value).toBe(value)
      }),
      { numRuns: 50 },
    )
  })

  test('environment names follow from the keys, and none is used twice', () => {
    const names = configKeys.map(({ variable }) => variable)
    expect(names).toContain('PINFLOW_GATEWAY_BODY_BYTES_MAX')
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('what is refused', () => {
  test.each([
    ['{"gatway": 1}', /unknown key gatway/],
    ['{"gateway": {"prot": 1}}', /unknown key gateway\.prot; did you mean gateway\.port\?/],
    ['{"gateway": 5}', /gateway \(.*pinflow\.config\.json\) must be an object/],
    ['[]', /pinflow\.config\.json holds no object/],
    ['{"__proto__": {"id": "x"}}', /unknown key __proto__/],
    ['{"id": }', /pinflow\.config\.json/],
    ['{"id": null}', /^id = null \(.*pinflow\.config\.json\)/],
    ['{"api": {"port": "8080"}}', /^api\.port = "8080" \(.*pinflow\.config\.json\).* integer/],
    ['{"api": {"port": 80.5}}', /^api\.port = 80\.5/],
    ['{"log": {"recordBytesMax": 10485761}}', /^log\.recordBytesMax = 10485761 .*10485760/],
    ['{"lake": {"topicsFolder": "a/../b"}}', /^lake\.topicsFolder = /],
    ['{"lake": {"topicsFolder": "_pinflow"}}', /^lake\.topicsFolder = /],
  ])('the file %s', async (document, message) => {
    await write('pinflow.config.json', document)
    await expect(load()).rejects.toEqual(invalid(message))
  })

  test.each([
    ['PINFLOW_GATEWAY_PROT', '1', /unknown key PINFLOW_GATEWAY_PROT; did you mean PINFLOW_GATEWAY_PORT\?/],
    ['PINFLOW_API_PORT', '', /^api\.port = "" \(environment PINFLOW_API_PORT\)/],
    ['PINFLOW_API_PORT', 'many', /^api\.port = "many".* integer/],
    ['PINFLOW_API_PORT', '65536', /^api\.port = .*65536.*65535/],
    ['PINFLOW_GATEWAY_AUTO_CREATE_TOPICS', 'yes', /boolean/],
  ])('the environment %s=%s', async (name, value, message) => {
    await expect(load({ environment: { [name]: value } })).rejects.toEqual(invalid(message))
  })

  test.each(['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.0.0.1.example.org'])(
    'listening on %s, because there is no authentication yet',
    async (host) => {
      await expect(load({ flags: { 'gateway.host': host } })).rejects.toEqual(
        invalid(/gateway\.host = .* no authentication/),
      )
    },
  )

  test('a flag that is no key', async () => {
    await expect(load({ flags: { 'api.prt': 1 } })).rejects.toEqual(
      invalid(/api\.prt; did you mean api\.port/),
    )
  })

  test('a file that is named and not there, exports nothing, or fails', async () => {
    await expect(load({ file: join(folder, 'no.json') })).rejects.toEqual(invalid(/no\.json/))
    await expect(load({ file: await write('a.ts', 'export const id = 1') })).rejects.toEqual(invalid(/./))
    await expect(load({ file: await write('b.ts', 'throw new Error("boom")') })).rejects.toEqual(
      invalid(/boom/),
    )
  })
})

describe('what is shown', () => {
  test('a secret is never shown, neither in the list nor in a refusal', async () => {
    const token = 'abcdefghijklmnop-0123'
    const loaded = await load({ environment: { PINFLOW_API_TOKEN: token } })
    expect(loaded.config.api.token).toBe(token)
    const entries = describeConfig(loaded)
    expect(entries.find(({ key }) => key === 'api.token')).toMatchObject({
      value: '********',
      origin: expect.stringContaining('environment'),
    })
    expect(JSON.stringify(entries)).not.toContain(token)
    const refused = await load({ environment: { PINFLOW_API_TOKEN: 'hush' } }).catch((error: Error) => error)
    expect(refused).toEqual(invalid(/^api\.token = \*{8}/))
  })

  test('a secret that is not set is shown as null', async () => {
    expect(describeConfig(await load()).find(({ key }) => key === 'api.token')?.value).toBeNull()
  })

  test('every key says what it means', () => {
    for (const { key, description } of configKeys) expect(description, key).toMatch(/^[A-Z]\S* .+/)
  })

  test('docs/configuration.md is what the schema says', async () => {
    const path = new URL('../../docs/configuration.md', import.meta.url)
    expect(await readFile(path, 'utf8'), 'run: node scripts/config-docs.ts').toBe(configDocs())
  })
})
