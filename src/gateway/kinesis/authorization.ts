import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal } from '../failure.ts'
import { kinesisRefusal } from './door.ts'

const headerParameters = ['Credential', 'Signature', 'SignedHeaders']
const queryParameters = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'X-Amz-Date',
]

/**
 * What AWS finds wrong with the form of a Signature Version 4, in a header or in the query; undefined when nothing.
 * The signature itself is not verified.
 */
export function authorizationProblem(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
): Refusal | undefined {
  const { authorization } = headers
  const inQuery = query.has('X-Amz-Algorithm')
  if (authorization !== undefined && inQuery) {
    const message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    return kinesisRefusal('InvalidSignatureException', message)
  }
  if (authorization === undefined && !inQuery) {
    return kinesisRefusal('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const missing =
    authorization === undefined ? missingInQuery(query) : missingInHeader(authorization, headers)
  return missing === '' ? undefined : kinesisRefusal('IncompleteSignatureException', missing)
}

function missingInHeader(authorization: string, headers: IncomingHttpHeaders): string {
  const given = authorization.split(/[, ]+/).slice(1)
  const missing = headerParameters
    .filter((name) => !given.some((pair) => pair.startsWith(`${name}=`) && pair.length > name.length + 1))
    .map((name) => `Authorization header requires '${name}' parameter. `)
  if (headers['x-amz-date'] === undefined && headers.date === undefined) {
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
  }
  return missing.length === 0 ? '' : `${missing.join('')}Authorization=${authorization}`
}

function missingInQuery(query: URLSearchParams): string {
  const missing = queryParameters
    .filter((name) => !query.get(name))
    .map((name) => `AWS query-string parameters must include '${name}'. `)
  return missing.length === 0 ? '' : `${missing.join('')}Re-examine the query-string parameters.`
}
