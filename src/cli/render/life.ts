import type { ResultOf } from '../../api/index.ts'

type Life = ResultOf<'traceRecord'>[number]
type KeyTrace = ResultOf<'traceKey'>
type Fate = NonNullable<Life['stream']>

const labelWidth = 12
/** A cell of a row that is longer is cut. */
const valueMax = 70

/** The life of a record, from top to bottom. */
export function lifeText(life: Life): string {
  const { topic, partition, offset, log, epoch, lake, dataset } = life
  const lines = [
    `Record ${topic}/${partition}/${offset}`,
    line('log', logText(log)),
    line('epoch', epochText(epoch)),
    line('lake', lakeText(lake)),
  ]
  if (dataset === undefined) {
    const near =
      life.nearestTopic === undefined ? '' : `; the nearest topic that one does is ${life.nearestTopic}`
    lines.push(line('dataset', `none reads ${topic}${near}`))
  } else lines.push(line('dataset', dataset))
  let told: string | undefined
  for (const path of ['stream', 'batch'] as const) {
    const fate = life[path]
    if (!fate) continue
    const [first = '', ...more] = fateText(path, fate)
    // Both tables mostly hold the same.
    const isSame = more.length > 0 && more.join('\n') === told
    lines.push(first, ...(isSame ? [line('', 'the same as above')] : more))
    told ??= more.join('\n')
  }
  return lines.join('\n')
}

/** What became of a key, dataset by dataset. */
export function keyText({ datasets }: KeyTrace): string {
  return datasets
    .map(({ dataset, key, state, record, rows = [], causes = [] }) => {
      const named = Object.entries(key).map(([column, value]) => `${column} = ${value}`)
      const head = `${dataset}: ${named.join(', ')}`
      if (state === 'present') {
        if (record) return `${head} is there.\n${indented(lifeText(record))}`
        const places = rows.map(({ table, row }) => `${line(table, '')}\n${rowText(row)}`)
        return [`${head} is there; the record it was made of cannot be told.`, ...places].join('\n')
      }
      const told = causes.map(({ text, next }) => `  ${text}\n  Next: ${next}`)
      return [`${head} is not there.`, ...told].join('\n')
    })
    .join('\n\n')
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(labelWidth)}${text}`.trimEnd()
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}

function logText(log: Life['log']): string {
  switch (log.state) {
    case 'held': {
      const key = log.key === null ? 'no key' : `key ${typeof log.key === 'string' ? log.key : '(bytes)'}`
      const value = log.valueBytes === null ? 'a null value' : `${log.valueBytes} bytes`
      return `acknowledged ${time(log.appendTimeMs)}; ${key}, ${value}; still in the log`
    }
    case 'dropped':
      return `dropped by retention; the log begins at offset ${log.startOffset}`
    case 'topicDeleted':
      return 'the topic was deleted since'
    case 'empty':
      return 'an append that was refused left this offset without a record'
  }
}

function epochText(epoch: Life['epoch']): string {
  switch (epoch.state) {
    case 'taken':
      return `${epoch.epoch}, taken ${time(epoch.timeMs)}`
    case 'waiting':
      return `waits: ${age(epoch.ageMs)} old, taken within ${epoch.withinMs} ms while the platform runs`
    case 'leftOut':
      return 'never: lake.topics leaves the topic out'
    default: {
      const when = epoch.timeMs === undefined ? '' : ` ${time(epoch.timeMs)}`
      return `${epoch.state}${when}, with ${epoch.records} records: ${epoch.why}`
    }
  }
}

function lakeText(lake: Life['lake']): string {
  switch (lake.state) {
    case 'landed':
      return `${lake.object} line ${lake.line} (landing ${lake.land})`
    case 'waiting':
      return `waits: ${lake.ageMs === undefined ? '' : `${age(lake.ageMs)} old, `}lands within ${lake.withinMs} ms while the platform runs`
    case 'unreadable':
      return `cannot be read: ${lake.message}`
    case 'none':
      return 'not there'
  }
}

function fateText(path: string, fate: Fate): string[] {
  switch (fate.state) {
    case 'row':
      return [line(path, `a row of ${placeText(fate)}`), rowText(fate.row)]
    case 'duplicate': {
      const of = fate.of ? `${fate.of.topic}/${fate.of.partition}/${fate.of.offset}` : 'another record'
      return [line(path, `a duplicate of ${of}, whose row is in ${placeText(fate)}`), rowText(fate.row)]
    }
    case 'quarantined': {
      const { table, reason, column, value, rule, detail, next } = fate
      const what = column === undefined ? reason : `${reason}: ${column} is ${value ?? 'absent'}`
      return [
        line(path, `in ${table}: ${what}`),
        ...(rule === undefined ? [] : [line('', `rule: ${rule}`)]),
        ...(detail === undefined ? [] : [line('', `detail: ${detail}`)]),
        line('', `next: ${next}`),
      ]
    }
    case 'waiting': {
      const old = fate.ageMs === undefined ? '' : `${age(fate.ageMs)} old, `
      return [line(path, `waits: ${old}${fate.why}`), line('', `next: ${fate.next}`)]
    }
    case 'gone':
      return [line(path, fate.why), line('', `next: ${fate.next}`)]
    case 'unreadable':
      return [line(path, `cannot be told: ${fate.message}`), line('', `next: ${fate.next}`)]
  }
}

function placeText({
  table,
  version,
  addedByVersion,
  file,
}: Omit<Extract<Fate, { state: 'row' }>, 'state'>): string {
  const added = addedByVersion === undefined ? '' : `, there since version ${addedByVersion}`
  return `${table} version ${version}${added}, file ${file}`
}

function rowText(row: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(row)
  const width = Math.max(...names.map((name) => name.length)) + 2
  return names.map((name) => line('', `  ${name.padEnd(width)}${cell(row[name])}`)).join('\n')
}

/** Control characters would move the cursor. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const plain = text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
  return plain.length <= valueMax ? plain : `${plain.slice(0, valueMax - 1)}…`
}

function time(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? `at ${timeMs} ms` : date.toISOString()
}

function age(ageMs: number): string {
  if (ageMs < 10_000) return `${ageMs} ms`
  const seconds = Math.round(ageMs / 1000)
  if (seconds < 600) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 300 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
