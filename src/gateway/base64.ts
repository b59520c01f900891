/** Bytes of RFC 4648 base64, padded or not; undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  const digits = text.length - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
  if (digits % 4 === 1 || (digits < text.length && text.length % 4 !== 0)) return undefined
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
