/** Bytes as text, or as `{ base64 }` where they are not UTF-8. */
export function textOrBase64(bytes: Buffer | null): string | { base64: string } | null {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}

/** A value of an answer without bytes, which JSON has not. */
export function withoutBytes(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return textOrBase64(value)
  if (Array.isArray(value)) return value.map(withoutBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutBytes(member)]))
}
