import { randomBytes, randomUUID } from 'node:crypto'
import type { Door } from '../door.ts'
import { type Failure, Refusal } from '../failure.ts'

/** An error of a Kinesis action: `{__type, message}`. */
export function kinesisRefusal(type: string, message: string): Refusal {
  return new Refusal(400, { __type: type, message })
}

/** A value of another JSON type than its member's; AWS capitalises the message here. */
export function serializationRefusal(message?: string): Refusal {
  return new Refusal(400, {
    __type: 'SerializationException',
    ...(message === undefined ? {} : { Message: message }),
  })
}

/** How AWS answers what it cannot read as a call of any action. */
export function accessDenied(): Refusal {
  const message = 'Unable to determine service/operation name to be authorized'
  const body = `<AccessDeniedException>\n  <Message>${message}</Message>\n</AccessDeniedException>\n`
  return new Refusal(403, body)
}

const types: Partial<Record<NonNullable<Failure['code']>, string>> = {
  TOPIC_UNKNOWN: 'ResourceNotFoundException',
  TOPIC_EXISTS: 'ResourceInUseException',
  TOPIC_NAME_INVALID: 'ValidationException',
  RECORD_TOO_LARGE: 'ValidationException',
}

/** @returns a failure of an action in the form of Kinesis JSON 1.1 */
export function refuseAction({ code, status, message, retryAfterSeconds }: Failure): Refusal {
  const type = code && types[code]
  if (type) return kinesisRefusal(type, message)
  if (status === 503) return new Refusal(503, { __type: 'ServiceUnavailable', message }, retryAfterSeconds)
  if (status === 500)
    return new Refusal(500, { __type: 'InternalFailure', message: 'Internal service failure.' })
  const other = status === 413 ? 'RequestEntityTooLargeException' : 'InvalidRequestException'
  return new Refusal(status, { __type: other, message })
}

/** Headers by which AWS names an answer. */
export function requestIds(): Record<string, string> {
  return { 'x-amzn-requestid': randomUUID(), 'x-amz-id-2': randomBytes(72).toString('base64') }
}

export const kinesisDoor: Door = {
  name: 'kinesis',
  contentType: 'application/x-amz-json-1.1',
  refuse: (failure) =>
    failure.status === 405 || failure.status === 415 ? accessDenied() : refuseAction(failure),
  headers: requestIds,
}
