/**
 * Bodies as the mapping templates of an API Gateway in front of Kinesis read them.
 *
 *     PUT /streams/{s}/record     {"StreamName"?, "Data": any JSON, "PartitionKey"}
 *     PUT /streams/{s}/records    {"records": [{"data": any JSON, "partition-key"}, …]}
 *     POST /streams/{s}           {"ShardCount"?} or nothing
 */
import { compact, type JsonNode, stringOf } from '../../core/index.ts'
import { Refusal } from '../failure.ts'
import type { Values } from '../kinesis/index.ts'
import { mediaType } from '../media-type.ts'
import { memberOf, requestJson } from '../request-json.ts'

const jsonTypes = ['application/json', 'application/x-amz-json-1.1', 'application/vnd.kafka.json.v2+json']

const recordForm = '{"StreamName": "…", "Data": <any JSON but null>, "PartitionKey": "…"}'
const recordsForm = '{"records": [{"data": <any JSON but null>, "partition-key": "…"}, …]}'

/** What a record's members are called, and whether quotes of a string are part of the data. */
interface RecordForm {
  data: string
  keys: readonly string[]
  keepQuotes: boolean
  text: string
}

/** @throws 400, 415 with `{message}` */
export function readRecord(contentType: string | undefined, body: Buffer | undefined): Values {
  const root = readObject(contentType, body, recordForm)
  return readEntry(body!, root, '', {
    data: 'Data',
    keys: ['PartitionKey'],
    keepQuotes: true,
    text: recordForm,
  })
}

/** @throws 400, 415 with `{message}` */
export function readRecords(contentType: string | undefined, body: Buffer | undefined): Values {
  const records = memberOf(readObject(contentType, body, recordsForm), 'records')
  if (records?.kind !== 'array') throw expected('The body has no array "records"', recordsForm)
  const form = {
    data: 'data',
    keys: ['partition-key', 'partitionKey', 'PartitionKey'],
    keepQuotes: false,
    text: recordsForm,
  }
  // Beyond the limit the action refuses them by their number alone.
  const elements = records.elements!.slice(0, 501)
  return { Records: elements.map((node, index) => readEntry(body!, node, `records[${index}]: `, form)) }
}

/** ShardCount, when the body gives one. @throws 400, 415 with `{message}` */
export function readShardCount(
  contentType: string | undefined,
  body: Buffer | undefined,
): number | undefined {
  if (body === undefined || body.length === 0) return undefined
  const count = memberOf(readObject(contentType, body, '{"ShardCount": 5}'), 'ShardCount')
  if (count === undefined || count.kind === 'null') return undefined
  const text = body.toString('latin1', count.start, count.end).replace(/^"(.*)"$/, '$1')
  if (!/^\d{1,9}$/.test(text)) throw expected('ShardCount is not a whole number', '{"ShardCount": 5}')
  return Number(text)
}

function readObject(contentType: string | undefined, body: Buffer | undefined, form: string): JsonNode {
  if (contentType !== undefined && !jsonTypes.includes(mediaType(contentType) ?? '')) {
    throw new Refusal(415, { message: `Unsupported Media Type: send ${jsonTypes[0]}` })
  }
  const json = requestJson(body ?? Buffer.alloc(0), 3)
  if ('problem' in json) throw expected(json.problem, form)
  if (json.root.kind !== 'object') throw expected(`The body is ${json.root.kind}`, form)
  return json.root
}

function readEntry(bytes: Buffer, node: JsonNode, where: string, form: RecordForm): Values {
  const data = memberOf(node, form.data)
  if (data === undefined || data.kind === 'null')
    throw expected(`${where}No "${form.data}" is given`, form.text)
  const key = form.keys.map((name) => memberOf(node, name)).find((found) => found !== undefined)
  const plain = data.kind === 'string' && !form.keepQuotes
  const Data = plain ? Buffer.from(stringOf(bytes, data)) : compact(bytes, data)
  const PartitionKey = key && readKey(bytes, key)
  return { Data, ...(PartitionKey === undefined ? {} : { PartitionKey }) }
}

/** A template writes a number as its text. */
function readKey(bytes: Buffer, node: JsonNode): string | undefined {
  if (node.kind === 'string') return stringOf(bytes, node)
  return node.kind === 'number' || node.kind === 'boolean'
    ? bytes.toString('latin1', node.start, node.end)
    : undefined
}

function expected(problem: string, form: string): Refusal {
  return new Refusal(400, { message: `${problem}; expected ${form}` })
}
