import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configDocs } from '../../scripts/config-docs.ts'
import { configKeys, defaultConfig, describeConfig, loadConfig } from '../../src/core/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

const load = (sources: Parameters<typeof loadConfig>[0] = {}) =>
  loadConfig({ folder, environment: {}, ...sources })
const invalid = (message: string | RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })

async function write(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

describe('where values come from', () => {
  test('without anything given every key has its default', async () => {
    const { config, origins } = await load()
    expect(config).toEqual(defaultConfig())
    expect(config).toMatchObject({
      id: 'demo',
      pipeline: null,
      gateway: { port: 8082, bodyBytesMax: 16 * 2 ** 20 },
    })
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']))
    expect(Object.keys(origins)).toEqual(configKeys.map(({ name }) => name))
  })

  test('a flag overrides the environment, which overrides the file, which overrides the default', async () => {
    const file = await write(
      'pinflow.config.json',
      '{"id": "a", "gateway": {"port": 1}, "api": {"port": 1}, "data": "d"}',
    )
    const { config, origins } = await load({
      environment: { PINFLOW_GATEWAY_PORT: '2', PINFLOW_API_PORT: '2', PATH: '/bin' },
      flags: { 'api.port': '3', data: undefined },
    })
    expect([config.id, config.data, config.gateway.port, config.api.port]).toEqual(['a', 'd', 2, 3])
    expect(origins).toMatchObject({
      id: `file ${file}`,
      data: `file ${file}`,
      'gateway.port': 'environment',
      'api.port': 'flag',
      pipeline: 'default',
    })
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

  test('any value of any integer key can be given by any way', async () => {
    const integers = configKeys.filter(({ schema }) => schema.type === 'integer')
    const givenValue = fc
      .constantFrom(...integers)
      .chain((key) =>
        fc.tuple(
          fc.constant(key),
          fc.integer({ min: key.schema.minimum ?? 0, max: key.schema.maximum ?? 0 }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(givenValue, async ([key, value]) => {
        const byFlag = await load({ flags: { [key.name]: value } })
        const byText = await load({ environment: { [key.environmentName]: String(value) } })
        expect(byFlag.config).toEqual(byText.config)
        expect(describeConfig(byFlag).find((entry) => entry.key === key.name)?.value).toBe(value)
      }),
      { numRuns: 50 },
    )
  })

  test('environment names follow from the keys, and none is used twice', () => {
    const names = configKeys.map(({ environmentName }) => environmentName)
    expect(names).toContain('PINFLOW_GATEWAY_BODY_BYTES_MAX')
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('what is refused', () => {
  test.each([
    ['{"gatway": {"port": 1}}', /^gatway \(file .*\) is no key/],
    ['{"gateway": {"prot": 1}}', /^gateway\.prot .* is gateway\.port meant\?/],
    ['{"port": 1}', /is gateway\.port meant\?/],
    ['{"gateway.port": 1}', /gateway\.port .* write it nested/],
    ['{"gateway": 5}', /^gateway is 5 .* an object of keys/],
    ['[]', /^the document is \[\]/],
    ['{"__proto__": {"id": "x"}}', /^__proto__ .* is no key/],
    ['{"id": "a", "id": "b"}', /DUPLICATE_MEMBER/],
    ['{"id": }', /is not JSON: expected a value/],
    ['{"id": null}', /^id is null .*; it must be 1 to 64 of a-z/],
    ['{"api": {"port": "8080"}}', /^api\.port is "8080" \(file .*\); it must be an integer from 0 to 65535/],
    ['{"api": {"port": 80.5}}', /^api\.port is 80\.5/],
    ['{"log": {"recordBytesMax": 10485761}}', /from 1 to 10485760 \(bytes\)/],
    ['{"lake": {"topics": []}}', /^lake\.topics is \[\] .*at least 1/],
    ['{"lake": {"topicsFolder": "a/../b"}}', /^lake\.topicsFolder is/],
    ['{"lake": {"topicsFolder": "_pinflow"}}', /^lake\.topicsFolder is/],
  ])('the file %s', async (document, message) => {
    await write('pinflow.config.json', document)
    await expect(load()).rejects.toEqual(invalid(message))
  })

  test.each([
    ['PINFLOW_GATEWAY_PROT', '1', /^PINFLOW_GATEWAY_PROT .* is PINFLOW_GATEWAY_PORT meant\?/],
    ['PINFLOW_API_PORT', '', /^api\.port is "" \(environment, PINFLOW_API_PORT\); it must be an integer/],
    ['PINFLOW_API_PORT', '1e3', /^api\.port is "1e3"/],
    ['PINFLOW_API_PORT', '65536', /^api\.port is 65536/],
    ['PINFLOW_GATEWAY_AUTO_CREATE_TOPICS', 'yes', /true or false/],
  ])('the environment %s=%s', async (name, value, message) => {
    await expect(load({ environment: { [name]: value } })).rejects.toEqual(invalid(message))
  })

  test.each(['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.0.0.1.example.org'])(
    'listening on %s, because there is no authentication yet',
    async (host) => {
      const message = /gateway\.host is .* authentication does not exist yet/
      await expect(load({ flags: { 'gateway.host': host } })).rejects.toEqual(invalid(message))
    },
  )

  test('a flag that is no key', async () => {
    await expect(load({ flags: { 'api.prt': '1' } })).rejects.toEqual(
      invalid(/api\.prt \(flag\).*api\.port meant/),
    )
  })

  test('a value that is overridden later', async () => {
    await write('pinflow.config.json', '{"id": "not an id"}')
    await expect(load({ flags: { id: 'fine' } })).rejects.toEqual(invalid(/^id is "not an id"/))
  })

  test('a file that is not there, is of another kind, exports nothing, or fails', async () => {
    await expect(load({ file: join(folder, 'no.json') })).rejects.toEqual(
      invalid(/no\.json cannot be read: it does not exist/),
    )
    await expect(load({ file: await write('a.yaml', 'id: a') })).rejects.toEqual(
      invalid(/must be a \.json, \.ts or \.js/),
    )
    await expect(load({ file: await write('a.ts', 'export const id = 1') })).rejects.toEqual(
      invalid(/exports nothing/),
    )
    await expect(load({ file: await write('b.ts', 'throw new Error("boom")') })).rejects.toEqual(
      invalid(/boom/),
    )
  })

  test('two files in the folder, naming both', async () => {
    await write('pinflow.config.json', '{}')
    await write('pinflow.config.ts', 'export default {}')
    await expect(load()).rejects.toEqual(invalid(/pinflow\.config\.json and pinflow\.config\.ts/))
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
      origin: 'environment',
    })
    expect(JSON.stringify(entries)).not.toContain(token)
    const refused = await load({ environment: { PINFLOW_API_TOKEN: 'hush hush' } }).catch(
      (error: Error) => error,
    )
    expect(refused).toEqual(invalid(/^api\.token is "\*{8}"/))
  })

  test('a secret that is not set is shown as null', async () => {
    expect(describeConfig(await load()).find(({ key }) => key === 'api.token')?.value).toBeNull()
  })

  test('every key says what it means', () => {
    for (const { name, description } of configKeys) expect(description, name).toMatch(/^[A-Z].*\.$/)
  })

  test('docs/configuration.md is what the schema says', async () => {
    const path = new URL('../../docs/configuration.md', import.meta.url)
    expect(await readFile(path, 'utf8'), 'run: node scripts/config-docs.ts').toBe(configDocs())
  })
})
