import { expect, test } from 'vitest'
import { mediaType } from '../../src/gateway/media-type.ts'
import { jsonType, openGateway, raw } from './harness.ts'

test('a type stands alone or with charset=utf-8, whatever its case', () => {
  for (const header of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; charset=utf8',
  ]) {
    expect(mediaType(header)).toBe('application/json')
  }
})

test('anything else is no type at all', () => {
  for (const header of [
    '',
    'application',
    'application/json\ta',
    'application/json;\tcharset=utf-8',
    'application/json garbage',
    'application/json; charset=utf-8 garbage',
    ' application/json',
    'application/json,text/plain',
    'application/json; charset=latin1',
    'application/json; charset=utf-8; charset=utf-16',
  ]) {
    expect(mediaType(header), header).toBeUndefined()
  }
})

// The header forms of CVE-2026-25223, CVE-2026-3419 and CVE-2026-33806.
test.each([
  ['a tab within', `${jsonType}\ta`, 415],
  ['text after it', `${jsonType} garbage`, 415],
  ['text after a parameter', `${jsonType}; charset=utf-8 garbage`, 415],
  ['two types', `${jsonType}, application/json`, 415],
  // Blanks around a value are no part of it.
  ['a blank before it', ` ${jsonType}`, 422],
  ['a tab before and after it', `\t${jsonType}\t`, 422],
])('a content type with %s is refused, or judged like any other', async (_what, type, status) => {
  const { port, log } = await openGateway()
  const body = '{"records":[{"unknown":1}]}'
  const answer = await raw(
    port,
    `POST /topics/t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type:${type}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain(`"error_code":${status}`)
  expect(log.topics()).toEqual([])
})
