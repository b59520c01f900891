import type { ResultOf } from '../../api/index.ts'
import { pathsText, type Told, timeText } from './bad-record.ts'

type Shown = ResultOf<'quarantineShow'>

/** Bytes of a value that are shown. */
const shownBytesMax = 4_096
const hexWidth = 16

/** One bad record for people. */
export function recordText(record: Shown): string {
  const { topic, partition, offset, dataset } = record
  return [
    `${topic}/${partition}/${offset}, a record of ${dataset}`,
    ...record.reasons.flatMap((reason) => ['', ...reasonLines(reason)]),
    '',
    ...labelled('now', nowLines(record)),
    '',
    ...placeLines(record),
    '',
    ...valueLines(record.value),
  ].join('\n')
}

function reasonLines({ reason, paths, help, detail, fix, review }: Shown['reasons'][number]): string[] {
  return [
    ...labelled('bad', [
      `${reason}, in ${pathsText(paths)}`,
      help,
      ...(detail === null ? [] : [oneLine(detail)]),
    ]),
    ...labelled('to mend it', fix),
    ...labelled('reviewed', [
      review ? `${timeText(review.timeMs)}${by(review.by)}: ${oneLine(review.note)}` : 'no',
    ]),
  ]
}

function by(name: string | null): string {
  return name === null ? '' : ` by ${oneLine(name)}`
}

function nowLines({ now, definitionChanged, dataset }: Shown): string[] {
  const next = definitionChanged
    ? [
        `The tables are of an earlier definition: \`pinflow quarantine replay ${dataset}\` says what the present one changes.`,
      ]
    : []
  switch (now.fate) {
    case 'bad':
      return [`The present definition finds it bad: ${now.reason}.`, ...next]
    case 'row':
      return ['The present definition takes it. It is the row:', json(now.row), ...next]
    case 'duplicate':
      return ['The present definition takes it, as a copy of a row that is there.', ...next]
    case 'differs':
      return [
        'By itself the present definition takes it; but a row with its key came first, and the first wins.',
        `here   ${json(now.row)}`,
        `there  ${json(now.present)}`,
        ...next,
      ]
  }
}

function placeLines(record: Shown): string[] {
  const { epoch, takenMs, object, appendTimeMs, timestampMs, key, headers, reasons, dataset } = record
  const since = reasons.flatMap(({ sinceVersion }) =>
    Object.entries(sinceVersion).map(([path, version]) => {
      const table = `quarantine.${path}.${dataset}`
      return version === null ? `${table}, since before its log begins` : `${table}, since version ${version}`
    }),
  )
  const sent = timestampMs !== null && timestampMs !== appendTimeMs ? `, sent ${timeText(timestampMs)}` : ''
  return [
    ...labelled('came in', appendTimeMs === null ? [] : [`${timeText(appendTimeMs)}${sent}`]),
    ...labelled('taken', [`in epoch ${epoch}${takenMs === null ? '' : `, ${timeText(takenMs)}`}`]),
    ...labelled('lake', [object ? `${object.key}, line ${object.line}` : 'not landed yet']),
    ...labelled('tables', since),
    ...labelled('key', key === null ? [] : [toldLine(key)]),
    ...labelled(
      'headers',
      headers.map(({ name, value }) => `${oneLine(name)}: ${toldLine(value)}`),
    ),
  ]
}

function valueLines(value: Told): string[] {
  if (value === null) return labelled('value', ['none'])
  if (typeof value === 'string') {
    const bytes = Buffer.byteLength(value)
    const cut = Buffer.from(value).subarray(0, shownBytesMax).toString('utf8')
    return [`value, ${bytes} bytes`, ...cut.split('\n').map((line) => `  ${oneLine(line)}`), ...more(bytes)]
  }
  const bytes = Buffer.from(value.base64, 'base64')
  return [
    `value, ${bytes.length} bytes`,
    ...hexLines(bytes.subarray(0, shownBytesMax)),
    ...more(bytes.length),
  ]
}

function more(bytes: number): string[] {
  return bytes <= shownBytesMax ? [] : [`  … the first ${shownBytesMax} bytes; --json has all`]
}

function hexLines(bytes: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += hexWidth) {
    const piece = bytes.subarray(at, at + hexWidth)
    const hex = (piece.toString('hex').match(/../g) ?? []).join(' ').padEnd(3 * hexWidth - 1)
    const text = piece.toString('latin1').replace(/[^ -~]/g, '.')
    lines.push(`  ${at.toString(16).padStart(8, '0')}  ${hex}  ${text}`)
  }
  return lines
}

/** A label before the first line, the others below it; nothing where there are none. */
function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, at) => `${(at === 0 ? label : '').padEnd(12)}${line}`)
}

function toldLine(told: Told): string {
  if (told === null) return 'null'
  return typeof told === 'string' ? oneLine(told) : `${told.base64} (base64)`
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

/** Control characters would move the cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}
