/**
 * The checksum of a commit: last member of its commitInfo, which is its first line. Other writers have none, and other
 * readers take it for one of the fields a commitInfo may have.
 *
 *     {"commitInfo":{…,"crc32":"<8 digits>"}}     CRC-32 (IEEE), hexadecimal, of the whole file with zeros there
 *     …
 */
import { crc32 } from 'node:zlib'

/** What a commitInfo of ours says. */
export const engineInfo = 'pinflow'

const blank = '00000000'
const seal = /,"crc32":"([0-9a-f]{8})"\}\}\n/

/** @param lines the actions as JSON, commitInfo first */
export function sealCommit(lines: readonly string[]): Buffer {
  const [info = '', ...others] = lines
  const sealed = `${info.slice(0, -2)},"crc32":"${blank}"}}`
  const content = Buffer.from([sealed, ...others].map((line) => `${line}\n`).join(''))
  const at = Buffer.byteLength(sealed) - blank.length - '"}}'.length
  content.write(checksum(content), at)
  return content
}

/** Whether a commit matches its checksum; one of another writer has none, and is taken as it is. */
export function isUnchanged(content: Buffer): boolean {
  const end = content.indexOf(0x0a)
  const line = content.toString('latin1', 0, end < 0 ? content.length : end + 1)
  const match = seal.exec(line)
  if (!match || match.index + match[0].length !== line.length)
    return !line.includes(`"engineInfo":"${engineInfo}"`)
  const blanked = Buffer.from(content)
  blanked.write(blank, match.index + ',"crc32":"'.length)
  return match[1] === checksum(blanked)
}

function checksum(content: Buffer): string {
  return crc32(content).toString(16).padStart(8, '0')
}
