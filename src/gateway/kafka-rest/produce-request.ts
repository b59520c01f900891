/**
 * The body of a v2 produce request:
 *
 *     { records: [{ key?, value?, partition? }, …], key_schema?, key_schema_id?, value_schema?, value_schema_id? }
 *
 * In JSON format a key or value is any JSON, taken as its bytes without insignificant white space; in binary format
 * a base64 string. `null`, or no member, is a null key or value.
 */
import { compact, type JsonNode, type NewRecord, PipelineError, stringOf } from '../../core/index.ts'
import { decodeBase64 } from '../base64.ts'
import { memberOf, requestJson } from '../request-json.ts'
import { kafkaRefusal } from './door.ts'
import type { EmbeddedFormat } from './embedded-format.ts'

/** A record, and the partition its sender named. */
export interface ProducedRecord {
  record: NewRecord
  partition: number | undefined
}

/** Bounds what a request of minute records takes of memory. */
const recordsMax = 100_000

const requestMembers = ['records', 'key_schema', 'key_schema_id', 'value_schema', 'value_schema_id']

export interface ProduceForm {
  format: EmbeddedFormat
  /** Key and value of a record together. */
  recordBytesMax: number
  /** Members a record may have. */
  recordMembers: readonly string[]
}

/** @throws 400, 408, 413 or 422 with the protocol's error codes; RECORD_TOO_LARGE */
export function readProduceRequest(body: Buffer | undefined, form: ProduceForm): ProducedRecord[] {
  if (body === undefined || body.length === 0) throw unprocessable('The request body is empty.')
  const json = requestJson(body, 3)
  if ('problem' in json) throw badRequest(`Bad JSON: ${json.problem}`)
  const { root } = json
  if (root.kind === 'null') throw unprocessable('The request body is null.')
  if (root.kind !== 'object') throw badRequest('Bad JSON: the body must be an object {"records": […]}')
  refuseUnknownMembers(root, requestMembers)
  const records = elementsOf(memberOf(root, 'records'))
  refuseWithoutRegistry(root, records, form.format)
  return records.map((node, index) => readRecord(body, node, index, form))
}

function elementsOf(records: JsonNode | undefined): JsonNode[] {
  if (records === undefined || records.kind === 'null') throw unprocessable('records may not be null')
  if (records.kind !== 'array') throw unprocessable('records must be an array: {"records": [{"value": …}]}')
  const elements = records.elements!
  if (elements.length === 0) throw unprocessable('records may not be empty')
  if (elements.length > recordsMax)
    throw kafkaRefusal(413, 413, `a request takes at most ${recordsMax} records`)
  return elements
}

function readRecord(bytes: Buffer, node: JsonNode, index: number, form: ProduceForm): ProducedRecord {
  if (node.kind !== 'object')
    throw badRequest(`records[${index}] must be an object {"value": …}, not ${node.kind}`)
  refuseUnknownMembers(node, form.recordMembers)
  const read = form.format === 'json' ? readJson : readBinary
  const key = read(bytes, memberOf(node, 'key'), `records[${index}].key`)
  const value = read(bytes, memberOf(node, 'value'), `records[${index}].value`)
  const size = (key?.length ?? 0) + (value?.length ?? 0)
  if (size > form.recordBytesMax) {
    const message = `records[${index}] has ${size} bytes, the limit is ${form.recordBytesMax}`
    throw new PipelineError('RECORD_TOO_LARGE', message)
  }
  return { record: { key, value }, partition: readPartition(bytes, memberOf(node, 'partition'), index) }
}

function readJson(bytes: Buffer, node: JsonNode | undefined): Buffer | null {
  return node === undefined || node.kind === 'null' ? null : compact(bytes, node)
}

function readBinary(bytes: Buffer, node: JsonNode | undefined, where: string): Buffer | null {
  if (node === undefined || node.kind === 'null') return null
  if (node.kind !== 'string') {
    const remedy = 'for JSON, send Content-Type: application/vnd.kafka.json.v2+json'
    throw badRequest(`Bad data type: ${where} must be a base64 string, not ${node.kind} (${remedy})`)
  }
  const data = decodeBase64(stringOf(bytes, node))
  if (data === undefined) throw badRequest(`Bad data type: ${where} is not base64`)
  return data
}

function readPartition(bytes: Buffer, node: JsonNode | undefined, index: number): number | undefined {
  if (node === undefined || node.kind === 'null') return undefined
  const text = bytes.toString('latin1', node.start, node.end)
  const partition = node.kind === 'number' && /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(partition))
    throw badRequest(`Bad data type: records[${index}].partition must be an integer`)
  if (partition < 0) throw unprocessable(`records[${index}].partition must be greater than or equal to 0`)
  return partition
}

function refuseUnknownMembers({ members = [] }: JsonNode, known: readonly string[]): void {
  const unknown = members.find(({ name }) => !known.includes(name))
  if (unknown) throw unprocessable(`Unrecognized field: ${unknown.name}`)
}

/** Formats that need a schema are answered as by a proxy that has no registry. */
function refuseWithoutRegistry(root: JsonNode, records: readonly JsonNode[], format: EmbeddedFormat): void {
  if (format === 'json' || format === 'binary') return
  const given = (name: string) => (memberOf(root, name)?.kind ?? 'null') !== 'null'
  const used = (name: string) => records.some((record) => (memberOf(record, name)?.kind ?? 'null') !== 'null')
  if (used('key') && !given('key_schema') && !given('key_schema_id')) {
    throw kafkaRefusal(422, 42201, 'Request includes keys but does not include key schema')
  }
  if (!given('value_schema') && !given('value_schema_id')) {
    throw kafkaRefusal(422, 42202, 'Request includes values but does not include value schema')
  }
  throw kafkaRefusal(408, 40801, 'Schema registration or lookup failed: no schema registry is configured')
}

function badRequest(message: string) {
  return kafkaRefusal(400, 400, message)
}

function unprocessable(message: string) {
  return kafkaRefusal(422, 422, message)
}
