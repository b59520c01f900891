import * as v from 'valibot'

/** What a value may be. */
interface Kind<Value> {
  schema: v.GenericSchema<Value>
  /** In words, for documentation and refusals: `integer 0–65535`. */
  type: string
}

interface Key<Value> extends Kind<Value> {
  default: Value
  /** Unit and meaning. */
  description: string
}

const key = <Value>(kind: Kind<Value>, value: NoInfer<Value>, description: string): Key<Value> => ({
  ...kind,
  default: value,
  description,
})

const string = (lengthMin: number): Kind<string> => ({
  schema: v.pipe(v.string(), v.minLength(lengthMin)),
  type: lengthMin === 1 ? 'string, not empty' : `string of at least ${lengthMin}`,
})
const matching = (pattern: RegExp): Kind<string> => ({
  schema: v.pipe(v.string(), v.regex(pattern)),
  type: `string \`${pattern.source}\``,
})
const integer = (min: number, max?: number): Kind<number> => ({
  schema: v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max ?? Number.POSITIVE_INFINITY)),
  type: max === undefined ? `integer ≥ ${min}` : `integer ${min}–${max}`,
})
const orNull = <Value>({ schema, type }: Kind<Value>): Kind<Value | null> => ({
  schema: v.nullable(schema),
  type: `${type} or null`,
})

const text = (value: string, description: string) => key(string(1), value, description)
const list = (value: string[], description: string) =>
  key({ schema: v.array(v.string()), type: 'list of string' }, value, description)
const flag = (value: boolean, description: string) =>
  key({ schema: v.boolean(), type: 'boolean' }, value, description)
const count = (value: number, description: string) => key(integer(1), value, description)
const port = (value: number, description: string) => key(integer(0, 65_535), value, description)

/** Above one MiB Kinesis needs a stream's own setting; ten is what any door can carry. */
const recordBytesLimit = 10 * 2 ** 20

/** Every key of the configuration: `<group>.<key>`, or a name alone. Descriptions name unit and meaning. */
const keys = {
  id: key(
    matching(/^[a-zA-Z0-9._-]{1,64}$/),
    'demo',
    'User id: stands for {id} in names of topics, streams and tables',
  ),
  pipeline: key(orNull(string(1)), null, 'Folder of the pipeline; null: the packaged pinterest'),
  data: text('.pinflow', 'Data folder: log, lake, tables'),
  gateway: {
    host: text('127.0.0.1', 'Address the front doors listen on'),
    port: port(8082, 'Port of the front doors; 0: any free one'),
    stages: list(
      ['dev', 'test', 'prod'],
      'Names that may stand before any path, as the stages of an API Gateway do',
    ),
    bodyBytesMax: count(16 * 2 ** 20, 'Bytes of one request body'),
    connectionsMax: count(10_000, 'Connections at a time; beyond it requests are put off with 503'),
    autoCreateTopics: flag(true, 'Whether Kafka doors make a topic on the first record for it'),
    accountId: key(matching(/^[0-9]{12}$/), '000000000000', 'AWS account in names of streams'),
    region: text('us-east-1', 'AWS region in names of streams'),
  },
  api: {
    host: text('127.0.0.1', 'Address the API listens on'),
    port: port(8080, 'Port of the API; 0: any free one'),
    token: key(orNull(string(16)), null, 'Bearer token of the API; null: made at each start'),
  },
  log: {
    recordBytesMax: key(integer(1, recordBytesLimit), 2 ** 20, 'Bytes of one record'),
    segmentBytes: count(256 * 2 ** 20, 'Bytes after which the log begins a new segment'),
    retentionMs: count(7 * 24 * 3_600_000, 'Milliseconds that records stay in the log at least'),
    retentionBytes: key(
      orNull(integer(1)),
      null,
      'Bytes above which the oldest segments go sooner; null: none',
    ),
    freeBytesMin: key(
      integer(0),
      64 * 2 ** 20,
      'Bytes that stay free on the volume, 1 MiB at least: below, records are refused with 503',
    ),
  },
  take: {
    ageMs: count(250, 'Milliseconds that a record waits for its take at most'),
    recordsMax: count(10_000, 'Records of one take, about'),
    bytesMax: count(16 * 2 ** 20, 'Bytes of one take, about'),
  },
  land: {
    ageMs: count(5_000, 'Milliseconds after which what was taken lands'),
    bytesMax: count(64 * 2 ** 20, 'Bytes after which what was taken lands'),
    flushSize: count(10_000, 'Records of one raw object at most, as flush.size of the Kafka Connect S3 sink'),
  },
  lake: {
    topics: list(['*'], 'Topics that are taken; * stands for any characters'),
    topicsFolder: key(
      matching(/^([a-zA-Z0-9][a-zA-Z0-9._-]*)?$/),
      'topics',
      'First folder of raw objects, as topics.dir of the Kafka Connect S3 sink; may be empty',
    ),
  },
  clean: {
    groupRecordsMax: count(50_000, 'Records cleaned together at most'),
    groupBytesMax: count(16 * 2 ** 20, 'Bytes cleaned together at most'),
  },
  quarantine: {
    alertPercent: key(
      integer(0, 100),
      10,
      'Per cent: when more of the newest 1,000 records of a dataset are bad, its stream says so; 100: never',
    ),
  },
  query: {
    timeoutMs: count(30_000, 'Milliseconds that an answer to SQL may take'),
    rowsMax: count(1_000_000, 'Rows of one answer'),
    bytesMax: count(64 * 2 ** 20, 'Bytes of one answer, as JSON'),
  },
  memory: {
    capBytes: key(
      integer(512 * 2 ** 20),
      512 * 2 ** 20,
      'Bytes of memory (RssAnon) that the platform keeps below: its parts get shares of it; at its share a part waits, spills to disk or refuses. Processes that answer SQL, two at most, come on top',
    ),
  },
}

/** Values that are never shown. */
export const secretKeys: ReadonlySet<string> = new Set(['api.token'])

type ValuesOf<Keys> = {
  [Name in keyof Keys]: Keys[Name] extends Key<infer Value> ? Value : ValuesOf<Keys[Name]>
}

export type Config = ValuesOf<typeof keys>

export interface ConfigKey extends Key<unknown> {
  /** `gateway.port` */
  key: string
  /** `PINFLOW_GATEWAY_PORT` */
  variable: string
}

/** All keys, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = keysOf(keys, '')

interface Group {
  [name: string]: Key<unknown> | Group
}

function keysOf(group: Group, prefix: string): ConfigKey[] {
  return Object.entries(group).flatMap(([name, member]) => {
    const path = prefix + name
    if (!isKey(member)) return keysOf(member, `${path}.`)
    const variable = `PINFLOW_${path
      .replaceAll('.', '_')
      .replace(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase()}`
    return [{ key: path, variable, ...member }]
  })
}

function isKey(member: Key<unknown> | Group): member is Key<unknown> {
  return 'schema' in member
}
