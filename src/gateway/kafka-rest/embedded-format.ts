import { mediaType } from '../media-type.ts'
import { kafkaRefusal } from './door.ts'

/** What keys and values of a produce request are written in. */
export type EmbeddedFormat = 'json' | 'binary' | 'avro' | 'jsonschema' | 'protobuf'

const embedded = /^application\/vnd\.kafka\.(?:(json|binary|avro|jsonschema|protobuf)\.)?v[12]\+json$/

/**
 * The embedded format that a Content-Type names. Types that name none are binary, as other proxies have it.
 *
 * @throws 415 for every other type
 */
export function embeddedFormat(contentType: string | undefined): EmbeddedFormat {
  if (contentType === undefined) return 'binary'
  const type = mediaType(contentType)
  if (type === 'application/json' || type === 'application/octet-stream') return 'binary'
  const found = type === undefined ? null : embedded.exec(type)
  if (!found) throw kafkaRefusal(415, 415, 'HTTP 415 Unsupported Media Type')
  return (found[1] as EmbeddedFormat | undefined) ?? 'binary'
}
