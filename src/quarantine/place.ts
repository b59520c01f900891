/** Where a record stands in the log. */
export interface Place {
  topic: string
  partition: number
  offset: number
}

export function placeText({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`
}
