import type { Door } from '../door.ts'
import { Refusal } from '../failure.ts'
import { refuseAction, requestIds } from '../kinesis/index.ts'

/** Errors of the action behind a path keep Kinesis's form; those of the gateway itself are `{message}`. */
export const apiGatewayDoor: Door = {
  name: 'api-gateway',
  contentType: 'application/json',
  refuse(failure) {
    const { status, message, code, retryAfterSeconds } = failure
    if (code === undefined || status === 503 || code === 'REQUEST_TOO_LARGE') {
      return new Refusal(status, { message }, retryAfterSeconds)
    }
    return refuseAction(failure)
  },
  headers: requestIds,
}
