import type { Door } from '../door.ts'
import { type Failure, Refusal } from '../failure.ts'

/** An error of the Kafka REST protocol: `{error_code, message}`. */
export function kafkaRefusal(
  status: number,
  errorCode: number,
  message: string,
  retryAfterSeconds?: number,
): Refusal {
  return new Refusal(status, { error_code: errorCode, message }, retryAfterSeconds)
}

const topicNotFound = () => kafkaRefusal(404, 40401, 'Topic not found.')
export const partitionNotFound = () => kafkaRefusal(404, 40402, 'Partition not found.')

/** Error codes that say more than the HTTP status. */
function errorCodeOf({ code, status }: Failure): number {
  switch (code) {
    case 'TOPIC_NAME_INVALID':
      return 40002
    case 'OVERLOADED':
      return 50301
    default:
      return status === 503 ? 50302 : status
  }
}

export const kafkaRestDoor: Door = {
  name: 'kafka-rest',
  contentType: 'application/vnd.kafka.v2+json',
  refuse(failure) {
    if (failure.code === 'TOPIC_UNKNOWN') return topicNotFound()
    if (failure.code === 'PARTITION_UNKNOWN') return partitionNotFound()
    return kafkaRefusal(failure.status, errorCodeOf(failure), failure.message, failure.retryAfterSeconds)
  },
}
