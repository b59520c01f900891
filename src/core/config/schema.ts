import { type Static, type TSchema, Type } from 'typebox'

/** Every key of the configuration: `<group>.<key>`, or a name alone. Descriptions name unit and meaning. */
const strict = { additionalProperties: false }
const text = (value: string, description: string) =>
  Type.String({ default: value, description, minLength: 1 })
const list = (value: string[], description: string) =>
  Type.Array(Type.String(), { default: value, description })
const flag = (value: boolean, description: string) => Type.Boolean({ default: value, description })
const count = (value: number, description: string, limits: { minimum?: number; maximum?: number } = {}) =>
  Type.Integer({ default: value, description, minimum: 1, ...limits })
const port = (value: number, description: string) =>
  Type.Integer({ default: value, description, minimum: 0, maximum: 65_535 })
const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { default: null, description })

/** Above one MiB Kinesis needs a stream's own setting; ten is what any door can carry. */
const recordBytesLimit = 10 * 2 ** 20

export const configSchema = Type.Object(
  {
    id: Type.String({
      default: 'demo',
      description: 'User id: stands for {id} in names of topics, streams and tables',
      pattern: '^[a-zA-Z0-9._-]{1,64}$',
    }),
    pipeline: orNull(Type.String({ minLength: 1 }), 'Folder of the pipeline; null: the packaged pinterest'),
    data: text('.pinflow', 'Data folder: log, lake, tables'),
    gateway: Type.Object(
      {
        host: text('127.0.0.1', 'Address the front doors listen on'),
        port: port(8082, 'Port of the front doors; 0: any free one'),
        stages: list(
          ['dev', 'test', 'prod'],
          'Names that may stand before any path, as the stages of an API Gateway do',
        ),
        bodyBytesMax: count(16 * 2 ** 20, 'Bytes of one request body'),
        connectionsMax: count(10_000, 'Connections at a time; beyond it requests are put off with 503'),
        autoCreateTopics: flag(true, 'Whether Kafka doors make a topic on the first record for it'),
        accountId: Type.String({
          default: '000000000000',
          description: 'AWS account in names of streams',
          pattern: '^[0-9]{12}$',
        }),
        region: text('us-east-1', 'AWS region in names of streams'),
      },
      strict,
    ),
    api: Type.Object(
      {
        host: text('127.0.0.1', 'Address the API listens on'),
        port: port(8080, 'Port of the API; 0: any free one'),
        token: orNull(Type.String({ minLength: 16 }), 'Bearer token of the API; null: made at each start'),
      },
      strict,
    ),
    log: Type.Object(
      {
        recordBytesMax: count(2 ** 20, 'Bytes of one record', { maximum: recordBytesLimit }),
        segmentBytes: count(256 * 2 ** 20, 'Bytes after which the log begins a new segment'),
        retentionMs: count(7 * 24 * 3_600_000, 'Milliseconds that records stay in the log at least'),
        retentionBytes: orNull(
          Type.Integer({ minimum: 1 }),
          'Bytes above which the oldest segments go sooner; null: none',
        ),
        freeBytesMin: Type.Integer({
          default: 64 * 2 ** 20,
          minimum: 0,
          description:
            'Bytes that stay free on the volume, 1 MiB at least: below, records are refused with 503',
        }),
      },
      strict,
    ),
    take: Type.Object(
      {
        ageMs: count(250, 'Milliseconds that a record waits for its take at most'),
        recordsMax: count(10_000, 'Records of one take, about'),
        bytesMax: count(16 * 2 ** 20, 'Bytes of one take, about'),
      },
      strict,
    ),
    land: Type.Object(
      {
        ageMs: count(5_000, 'Milliseconds after which what was taken lands'),
        bytesMax: count(64 * 2 ** 20, 'Bytes after which what was taken lands'),
        flushSize: count(
          10_000,
          'Records of one raw object at most, as flush.size of the Kafka Connect S3 sink',
        ),
      },
      strict,
    ),
    lake: Type.Object(
      {
        topics: list(['*'], 'Topics that are taken; * stands for any characters'),
        topicsFolder: Type.String({
          default: 'topics',
          description:
            'First folder of raw objects, as topics.dir of the Kafka Connect S3 sink; may be empty',
          pattern: '^([a-zA-Z0-9][a-zA-Z0-9._-]*)?$',
        }),
      },
      strict,
    ),
    clean: Type.Object(
      {
        groupRecordsMax: count(50_000, 'Records cleaned together at most'),
        groupBytesMax: count(16 * 2 ** 20, 'Bytes cleaned together at most'),
      },
      strict,
    ),
    query: Type.Object(
      {
        timeoutMs: count(30_000, 'Milliseconds that an answer to SQL may take'),
        rowsMax: count(1_000_000, 'Rows of one answer'),
        bytesMax: count(64 * 2 ** 20, 'Bytes of one answer, as JSON'),
      },
      strict,
    ),
    memory: Type.Object(
      {
        capBytes: count(
          512 * 2 ** 20,
          'Bytes of memory (RssAnon) that the platform keeps below: its parts get shares of it; at its share a part waits, spills to disk or refuses. Processes that answer SQL, two at most, come on top',
          { minimum: 512 * 2 ** 20 },
        ),
      },
      strict,
    ),
  },
  strict,
)

/** Values that are never shown. */
export const secretKeys: ReadonlySet<string> = new Set(['api.token'])

export type Config = Static<typeof configSchema>

export interface ConfigKey {
  /** `gateway.port` */
  key: string
  /** `PINFLOW_GATEWAY_PORT` */
  variable: string
  schema: TSchema & { default?: unknown; description?: string }
}

/** All keys, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = keysOf(configSchema, '')

function keysOf(schema: { properties: Record<string, TSchema> }, prefix: string): ConfigKey[] {
  return Object.entries(schema.properties).flatMap(([name, property]) => {
    const key = prefix + name
    if (isGroup(property)) return keysOf(property, `${key}.`)
    const variable = `PINFLOW_${key
      .replaceAll('.', '_')
      .replace(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase()}`
    return [{ key, variable, schema: property }]
  })
}

function isGroup(schema: TSchema): schema is TSchema & { properties: Record<string, TSchema> } {
  return 'properties' in schema
}
