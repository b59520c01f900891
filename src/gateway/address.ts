import type { IncomingMessage } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'

/** A path without the stage before it. */
export function withoutStage(url: string, stages: readonly string[]): string {
  const [, first, rest] = /^\/([^/?]*)(.*)$/s.exec(url) ?? []
  if (first === undefined || rest === undefined || !stages.includes(first)) return url
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Whether a request shows AWS, by its headers or its query. */
export function showsAws(message: Pick<IncomingMessage, 'headers' | 'url'>): boolean {
  const { headers, url = '' } = message
  if (headers.authorization?.startsWith('AWS4')) return true
  if (headers['content-type']?.trimStart().toLowerCase().startsWith('application/x-amz-')) return true
  if (/[?&]x-amz-/i.test(url)) return true
  return Object.keys(headers).some((name) => name.startsWith('x-amz-'))
}

const loopback = /^(localhost|127(\.\d+){3}|::1)$/

/**
 * Whether a Host header may be meant for a server bound to `boundHost`. A server on loopback is addressed as
 * `localhost` or by IP address: any other name may be a web page's that was rebound to it.
 */
export function hostAllowed(boundHost: string, hostHeader: string | undefined): boolean {
  if (!loopback.test(boundHost) || hostHeader === undefined) return true
  const host = hostHeader
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  return host === 'localhost' || host.endsWith('.localhost') || isIP(host) !== 0
}

/** Where a process of this machine reaches a server that listens there. */
export function urlOf({ address, family, port }: AddressInfo): string {
  const host =
    address === '0.0.0.0' || address === '::' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
