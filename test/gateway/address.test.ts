import { expect, test } from 'vitest'
import { hostAllowed, showsAws, withoutStage } from '../../src/gateway/address.ts'

test('a stage is taken off once, and only as a whole first segment', () => {
  const stages = ['dev', 'prod']
  for (const [url, path] of [
    ['/dev/topics/a', '/topics/a'],
    ['/prod/streams/s/record?x=/dev/', '/streams/s/record?x=/dev/'],
    ['/dev', '/'],
    ['/dev/', '/'],
    ['/dev?x=1', '/?x=1'],
    ['/dev/dev/topics', '/dev/topics'],
    ['/development/topics', '/development/topics'],
    ['/test/topics', '/test/topics'],
    ['/topics/dev', '/topics/dev'],
    ['/', '/'],
    ['*', '*'],
  ] as const) {
    expect(withoutStage(url, stages)).toBe(path)
  }
})

test('AWS shows in headers, type or query', () => {
  expect(showsAws({ url: '/', headers: {} })).toBe(false)
  expect(
    showsAws({ url: '/', headers: { authorization: 'Bearer x', 'content-type': 'application/json' } }),
  ).toBe(false)
  expect(showsAws({ url: '/', headers: { authorization: 'AWS4-HMAC-SHA256 …' } })).toBe(true)
  expect(showsAws({ url: '/', headers: { 'x-amz-target': 'a' } })).toBe(true)
  expect(showsAws({ url: '/', headers: { 'content-type': 'application/x-amz-cbor-1.1' } })).toBe(true)
  expect(showsAws({ url: '/?X-Amz-Algorithm=a', headers: {} })).toBe(true)
})

test('on loopback a host is localhost or an address; elsewhere any name', () => {
  for (const host of ['localhost', 'LOCALHOST:8082', '127.0.0.1:80', '[::1]:80', 'a.localhost', '10.0.0.1']) {
    expect(hostAllowed('127.0.0.1', host), host).toBe(true)
  }
  expect(hostAllowed('127.0.0.1', 'evil.example:8082')).toBe(false)
  expect(hostAllowed('localhost', 'localhost.evil.example')).toBe(false)
  expect(hostAllowed('0.0.0.0', 'pinflow.example')).toBe(true)
})
