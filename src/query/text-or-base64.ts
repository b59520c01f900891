/** Bytes as text, or as `{ base64 }` where they are not UTF-8. */
export function textOrBase64(bytes: Buffer | null): string | { base64: string } | null {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}
